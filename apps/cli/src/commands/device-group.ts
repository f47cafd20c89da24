import { SelvedgeError } from "@selvedge/protocol";
import { findDevice } from "../operator/find-device.ts";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface DeviceGroupOptions extends OperatorOptions {
  readonly tag: readonly string[];
  readonly clearTags?: boolean;
}

/** Puts a device into a group, and replaces its tags when any are given. */
export async function run(
  terminal: Terminal,
  options: DeviceGroupOptions,
  reference: string,
  group: string,
): Promise<void> {
  const { tag: tags, clearTags = false } = options;
  if (clearTags && tags.length > 0) {
    throw new SelvedgeError("invalid_argument", "tags are given, and all are to be cleared", {
      at: "--clear-tags",
      fix: "give one of --tag and --clear-tags",
    });
  }
  const { device } = await withOperator(terminal, options, async ({ admission, client, call }) => {
    const { id } = findDevice((await client.listDevices({}, call)).devices, reference);
    const change = {
      group: group === noGroup ? "" : group,
      tags: [...tags],
      setTags: clearTags || tags.length > 0,
    };
    return admission.groupDevice({ device: id, ...change }, call);
  });
  if (options.json) return writeJson(terminal.stdout, { device });
  const where = device?.group ? `in group ${device.group}` : "in no group";
  terminal.stdout.write(`device ${device?.name} is ${where}; tags: ${device?.tags.join(", ") || "-"}\n`);
}

const noGroup = "-";
