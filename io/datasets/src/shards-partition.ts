import { SeededRandom, SelvedgeError } from "@selvedge/protocol";

export interface ShardsPartitionOptions {
  /** One class index, or any other number to sort by, per example. */
  readonly labels: ArrayLike<number>;
  readonly parts: number;
  readonly shardsPerPart: number;
  readonly seed: string | number;
}

/**
 * Sorts examples by label, cuts them into shards of one size, but for one, and deals those out at
 * random: with two shards a part most parts know two classes (McMahan et al., arXiv 1602.05629, 3).
 *
 * @returns for each part ascending example indices; every example is in one part
 * @throws SelvedgeError `invalid_argument` when there are fewer examples than shards
 */
export function shardsPartition(options: ShardsPartitionOptions): Int32Array[] {
  const { labels, parts, shardsPerPart, seed } = options;
  const shards = parts * shardsPerPart;
  if (!Number.isInteger(shards) || shards < 1 || shards > labels.length) {
    throw new SelvedgeError(
      "invalid_argument",
      `${labels.length} examples do not make ${parts} parts of ${shardsPerPart} shards`,
      { at: "shardsPartition" },
    );
  }
  // Sorting is stable: of one label the order is that of the data.
  const sorted = Int32Array.from({ length: labels.length }, (_, index) => index).sort(
    (a, b) => (labels[a] ?? 0) - (labels[b] ?? 0) || a - b,
  );
  const order = Int32Array.from({ length: shards }, (_, shard) => shard);
  SeededRandom.fromSeed("shards-partition", seed).shuffle(order);
  return Array.from({ length: parts }, (_, part) => {
    const own = order.subarray(part * shardsPerPart, (part + 1) * shardsPerPart);
    const rows = Array.from(own, (shard) => {
      const [start, end] = [shard, shard + 1].map((edge) => Math.floor((edge * labels.length) / shards));
      return [...sorted.subarray(start, end)];
    });
    return Int32Array.from(rows.flat()).sort();
  });
}
