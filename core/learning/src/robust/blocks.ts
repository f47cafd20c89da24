import type { StoredUpdates } from "./robust-rule.ts";

/** Values of all updates together that are in memory at once: 16 MiB. Smaller, and more time goes into opening files. */
export const blockValues: number = 2 ** 22;

/**
 * Goes once through all updates, block by block of coordinates.
 *
 * @param visit gets one row for each device, in the order of `contributions`, and the offset of
 *   the first coordinate. Rows are only valid until it is done.
 */
export async function eachBlock(
  updates: StoredUpdates,
  visit: (rows: readonly Float32Array[], offset: number) => Promise<void> | void,
): Promise<void> {
  const { contributions, parameters } = updates;
  const length = Math.min(parameters, Math.max(1, Math.floor(blockValues / contributions.length)));
  const memory = new Float32Array(length * contributions.length);
  for (let offset = 0; offset < parameters; offset += length) {
    const width = Math.min(length, parameters - offset);
    const rows = contributions.map((_, index) => memory.subarray(index * length, index * length + width));
    for (const [index, { device }] of contributions.entries()) {
      await updates.read(device, offset, rows[index] ?? memory);
    }
    await visit(rows, offset);
    await updates.pause();
  }
}
