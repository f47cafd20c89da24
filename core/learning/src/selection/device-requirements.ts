import type { DeviceRequirements } from "@selvedge/protocol";

/** What a coordinator knows of a device. */
export interface DeviceFacts {
  /** As the device says; 0 = it does not. */
  readonly memoryBytes: number;
  readonly cores: number;
  readonly architecture: string;
  /** As an operator set them. */
  readonly group: string;
  readonly tags: readonly string[];
}

/** Whether a device has all that a plan requires: of lists, one of the groups and architectures, and all of the tags. */
export function meetsRequirements(requires: DeviceRequirements | undefined, facts: DeviceFacts): boolean {
  if (requires === undefined) return true;
  const { memoryBytes, cores, architectures, groups, tags } = requires;
  const isOneOf = (list: readonly string[], value: string): boolean =>
    list.length === 0 || list.includes(value);
  return (
    facts.memoryBytes >= Number(memoryBytes) &&
    facts.cores >= cores &&
    isOneOf(architectures, facts.architecture) &&
    isOneOf(groups, facts.group) &&
    tags.every((tag) => facts.tags.includes(tag))
  );
}
