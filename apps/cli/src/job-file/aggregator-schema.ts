import {
  contributionsFor,
  isRobust,
  type RobustOption,
  type RobustRuleName,
  robustRanges,
} from "@selvedge/protocol";
import { z } from "zod";
import type { Named } from "./training-schema.ts";

/** How the coordinator makes one update of all devices'. */
export type AggregatorFields = Named<"mean" | RobustRuleName>;

const byzantine = option("byzantine");

export const aggregatorSchema: z.ZodType<AggregatorFields> = z
  .discriminatedUnion("name", [
    z.strictObject({ name: z.literal("mean") }),
    z.strictObject({ name: z.literal("median") }),
    z.strictObject({ name: z.literal("trimmed-mean"), trim: option("trim") }),
    z.strictObject({ name: z.literal("krum"), byzantine }),
    z.strictObject({ name: z.literal("multi-krum"), byzantine, selected: option("selected").optional() }),
    z.strictObject({ name: z.literal("bulyan"), byzantine }),
    z.strictObject({
      name: z.literal("geometric-median"),
      iterations: option("iterations").optional(),
      smoothing: option("smoothing").optional(),
    }),
    z.strictObject({ name: z.literal("norm-filter"), multiple: option("multiple").optional() }),
  ])
  .default({ name: "mean" });

/** What is wrong with a quorum or a cohort for this aggregator, by key; null = nothing. */
export function sizeProblem(
  { name, ...options }: AggregatorFields,
  quorum: number,
  cohort: number,
): readonly ["quorum" | "cohort", string] | null {
  if (!isRobust(name)) return null;
  const { minimum, maximum } = contributionsFor(name, options);
  if (quorum < minimum) return ["quorum", `must be at least ${minimum} for ${name} with these options`];
  return cohort > maximum ? ["cohort", `must be at most ${maximum} for ${name}`] : null;
}

/** Within the range that plans have for it. */
function option(name: RobustOption): z.ZodNumber {
  const { low, high, counts } = robustRanges[name];
  const number = z.number().min(low).max(high);
  return counts ? number.int() : number;
}
