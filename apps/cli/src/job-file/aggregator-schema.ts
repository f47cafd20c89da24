import {
  blockRanges,
  contributionsFor,
  isRobust,
  orderProblem,
  type PlannedBlock,
  plannedBlocks,
  type RobustOption,
  type RobustSettings,
  robustRanges,
} from "@selvedge/protocol";
import { z } from "zod";
import type { Named } from "./training-schema.ts";

/** What updates go through, and what makes one of all; an option that is not given has its own default. */
export interface AggregatorFields {
  /** What stands last, as the plan names it. */
  readonly name: string;
  /** Of a robust rule: its options. */
  readonly robust: RobustSettings;
  readonly blocks: readonly Named<PlannedBlock>[];
}

const byzantine = robust("byzantine");
const moving = {
  bound: block("bound").optional(),
  quantile: block("quantile").optional(),
  initial: block("initial").optional(),
  learningRate: block("learningRate").optional(),
};
const increase = { multiplier: block("multiplier").optional(), increment: block("increment").optional() };

const part = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("zeroing"), ...moving, ...increase }),
  z.strictObject({ name: z.literal("clipping"), ...moving }),
  z.strictObject({ name: z.literal("sampling"), fraction: block("fraction") }),
  z.strictObject({ name: z.literal("quantisation"), bits: block("bits") }),
  z.strictObject({ name: z.literal("mean") }),
  z.strictObject({ name: z.literal("unweighted-mean") }),
  z.strictObject({ name: z.literal("sum") }),
  z.strictObject({ name: z.literal("median") }),
  z.strictObject({ name: z.literal("trimmed-mean"), trim: robust("trim") }),
  z.strictObject({ name: z.literal("krum"), byzantine }),
  z.strictObject({ name: z.literal("multi-krum"), byzantine, selected: robust("selected").optional() }),
  z.strictObject({ name: z.literal("bulyan"), byzantine }),
  z.strictObject({
    name: z.literal("geometric-median"),
    iterations: robust("iterations").optional(),
    smoothing: robust("smoothing").optional(),
  }),
  z.strictObject({ name: z.literal("norm-filter"), multiple: robust("multiple").optional() }),
]);

/** A part without options may be its name alone. */
const named = z.enum(part.options.map((option) => option.shape.name.value));

/** One part, or a list in the order in which updates go through it. */
export const aggregatorSchema: z.ZodType<AggregatorFields> = z
  .union([
    named,
    part,
    z
      .array(z.union([named, part]))
      .min(1)
      .max(16),
  ])
  .transform((given, context): AggregatorFields => {
    const parts = (Array.isArray(given) ? given : [given]).map(
      (one): Named<string> => (typeof one === "string" ? { name: one } : one),
    );
    for (const { index, problem } of problemsOf(parts)) {
      context.addIssue({ code: "custom", path: [index], message: problem });
    }
    const { name = "", ...options } = parts.at(-1) ?? {};
    return {
      name: name === "mean" ? "weighted-mean" : name,
      robust: isRobust(name) ? options : {},
      blocks: parts
        .slice(0, -1)
        .flatMap(({ name, ...options }) => (isBlock(name) ? [{ name, ...options }] : [])),
    };
  })
  .default({ name: "weighted-mean", robust: {}, blocks: [] });

/** What is wrong with a quorum or a cohort for this aggregator, by key; null = nothing. */
export function sizeProblem(
  { name, robust: options }: Partial<AggregatorFields>,
  quorum: number,
  cohort: number,
): readonly ["quorum" | "cohort", string] | null {
  // What was refused already comes as it was given.
  if (name === undefined || options === undefined || !isRobust(name)) return null;
  const { minimum, maximum } = contributionsFor(name, options);
  if (quorum < minimum) return ["quorum", `must be at least ${minimum} for ${name} with these options`];
  return cohort > maximum ? ["cohort", `must be at most ${maximum} for ${name}`] : null;
}

interface Problem {
  readonly index: number;
  readonly problem: string;
}

function problemsOf(parts: readonly Named<string>[]): Problem[] {
  const last = parts.length - 1;
  const own = parts.flatMap((one, index): Problem[] => {
    const problem = problemOf(one) ?? (isBlock(one.name) === index < last ? undefined : placeOf(one.name));
    return problem === undefined ? [] : [{ index, problem }];
  });
  const order = orderProblem(parts.slice(0, -1).map(({ name }) => name));
  return [...own, ...(order === undefined ? [] : [order])];
}

function problemOf({ name, bound, ...options }: Named<string>): string | undefined {
  const isBare = bound === undefined && Object.keys(options).length === 0;
  if (isBare && !part.safeParse({ name }).success) return `"${name}" needs options: { name: ${name}, … }`;
  const isBoth = bound !== undefined && Object.values(options).some((option) => option !== undefined);
  return isBoth ? "bound stays: leave out what is for a bound that moves" : undefined;
}

function placeOf(name: string): string {
  return isBlock(name)
    ? `"${name}" is followed by what makes one of all updates: mean`
    : `"${name}" makes one of all updates: it stands last`;
}

function isBlock(name: string): name is PlannedBlock {
  return Object.hasOwn(plannedBlocks, name);
}

/** Within the range that plans have for it. */
function block(name: keyof typeof blockRanges): z.ZodNumber {
  const [low, high] = blockRanges[name];
  const number = z.number().min(low).max(high);
  return name === "bits" ? number.int() : number;
}

/** Within the range that plans have for it. */
function robust(name: RobustOption): z.ZodNumber {
  const { low, high, counts } = robustRanges[name];
  const number = z.number().min(low).max(high);
  return counts ? number.int() : number;
}
