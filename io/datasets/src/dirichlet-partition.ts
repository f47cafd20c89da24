import { SeededRandom, SelvedgeError } from "@selvedge/protocol";

export interface DirichletPartitionOptions {
  /** One class index per example, 0 <= label < classes. */
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  readonly parts: number;
  /** Concentration, > 0: 0.1 gives a part few classes, 100 nearly all alike. */
  readonly alpha: number;
  readonly seed: string | number;
  /** Every part gets at least so many examples. */
  readonly minimumPerPart: number;
}

/**
 * Splits examples over parts so that each part has its own mixture of classes:
 * for every class, the shares of the parts are drawn from Dirichlet(alpha).
 * (By label, after Yurochkin et al., ICML 2019; Hsu et al., arXiv 1909.06335,
 * draw by client from the same prior, which cannot use each example once.)
 * Draws with a part below `minimumPerPart` are drawn again, up to 1,000 times.
 *
 * @returns for each part ascending example indices; every example is in one part
 * @throws SelvedgeError `invalid_argument` for options that make no sense,
 *   `failed_precondition` when no draw gives every part its minimum
 */
export function dirichletPartition(options: DirichletPartitionOptions): Int32Array[] {
  checkOptions(options);
  const { labels, classes, parts, alpha, seed, minimumPerPart } = options;
  const byClass = indicesByClass(labels, classes);
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const random = SeededRandom.fromSeed("dirichlet-partition", seed, attempt);
    const counts = byClass.map((indices) => drawCounts(random, indices.length, parts, alpha));
    const sizes = Array.from({ length: parts }, (_, part) =>
      counts.reduce((sum, classCounts) => sum + (classCounts[part] ?? 0), 0),
    );
    if (sizes.every((size) => size >= minimumPerPart)) return deal(random, byClass, counts, sizes);
  }
  throw new SelvedgeError(
    "failed_precondition",
    `${attemptsMax} draws left some of ${parts} parts with fewer than ${minimumPerPart} examples`,
    { at: "dirichletPartition", fix: "raise alpha, or lower parts or minimumPerPart" },
  );
}

/** How many of a class's `total` examples each part gets; they sum to `total`. */
function drawCounts(random: SeededRandom, total: number, parts: number, alpha: number): number[] {
  const shares = random.dirichlet(new Array<number>(parts).fill(alpha));
  let cumulative = 0;
  let dealt = 0;
  return shares.map((share, part) => {
    cumulative += share;
    const end = part === parts - 1 ? total : Math.min(total, Math.round(cumulative * total));
    const count = end - dealt;
    dealt = end;
    return count;
  });
}

function deal(
  random: SeededRandom,
  byClass: readonly Int32Array[],
  counts: readonly (readonly number[])[],
  sizes: readonly number[],
): Int32Array[] {
  const dealt = sizes.map((size) => new Int32Array(size));
  const filled = sizes.map(() => 0);
  for (const [label, indices] of byClass.entries()) {
    random.shuffle(indices);
    let start = 0;
    for (const [part, target] of dealt.entries()) {
      const count = counts[label]?.[part] ?? 0;
      const offset = filled[part] ?? 0;
      target.set(indices.subarray(start, start + count), offset);
      filled[part] = offset + count;
      start += count;
    }
  }
  return dealt.map((indices) => indices.sort());
}

function indicesByClass(labels: ArrayLike<number>, classes: number): Int32Array[] {
  const lists = Array.from({ length: classes }, (): number[] => []);
  for (let index = 0; index < labels.length; index++) {
    const label = labels[index];
    const list = label === undefined ? undefined : lists[label];
    if (list === undefined)
      throw invalid("labels", `label ${label} of example ${index} is not below ${classes}`);
    list.push(index);
  }
  return lists.map((list) => Int32Array.from(list));
}

function checkOptions(options: DirichletPartitionOptions): void {
  const { labels, classes, parts, alpha, minimumPerPart } = options;
  if (!Number.isInteger(classes) || classes < 1)
    throw invalid("classes", `${classes} is not a positive integer`);
  if (!Number.isInteger(parts) || parts < 1) throw invalid("parts", `${parts} is not a positive integer`);
  if (!(alpha > 0) || !Number.isFinite(alpha)) throw invalid("alpha", `${alpha} is not a positive number`);
  if (!Number.isInteger(minimumPerPart) || minimumPerPart < 0) {
    throw invalid("minimumPerPart", `${minimumPerPart} is not a whole number`);
  }
  if (parts * minimumPerPart > labels.length) {
    throw invalid(
      "minimumPerPart",
      `${parts} parts of at least ${minimumPerPart} need ${parts * minimumPerPart} examples, there are ${labels.length}`,
    );
  }
}

function invalid(option: string, message: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", message, { at: `dirichletPartition: ${option}` });
}

const attemptsMax = 1_000;
