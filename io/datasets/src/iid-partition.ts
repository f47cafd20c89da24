import { SeededRandom, SelvedgeError } from "@selvedge/protocol";

export interface IidPartitionOptions {
  /** How many examples there are. */
  readonly length: number;
  readonly parts: number;
  readonly seed: string | number;
}

/**
 * Deals examples out at random, each part as many as the next, but for one.
 *
 * @returns for each part ascending example indices; every example is in one part
 * @throws SelvedgeError `invalid_argument` when there are fewer examples than parts
 */
export function iidPartition({ length, parts, seed }: IidPartitionOptions): Int32Array[] {
  if (!Number.isInteger(parts) || parts < 1 || parts > length) {
    throw new SelvedgeError("invalid_argument", `${length} examples do not make ${parts} parts`, {
      at: "iidPartition: parts",
    });
  }
  const order = Int32Array.from({ length }, (_, index) => index);
  SeededRandom.fromSeed("iid-partition", seed).shuffle(order);
  return Array.from({ length: parts }, (_, part) => {
    const [start, end] = [part, part + 1].map((edge) => Math.floor((edge * length) / parts));
    return order.slice(start, end).sort();
  });
}
