import type { StoredUpdates } from "./robust-rule.ts";

/** Updates that are held in memory; device and weight by position unless given. */
export function updatesOf(
  values: readonly (readonly number[])[],
  weights: readonly number[] = values.map(() => 1),
  devices: readonly string[] = values.map((_, index) => `d${String(index).padStart(4, "0")}`),
): StoredUpdates {
  const byDevice = new Map(devices.map((device, index) => [device, Float32Array.from(values[index] ?? [])]));
  return {
    contributions: devices.map((device, index) => ({ device, weight: weights[index] ?? 1 })),
    parameters: values[0]?.length ?? 0,
    async read(device, offset, into) {
      into.set(byDevice.get(device)?.subarray(offset, offset + into.length) ?? []);
    },
    async pause() {},
  };
}
