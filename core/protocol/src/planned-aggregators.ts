import type { AggregatorBlock, AggregatorSpec } from "./gen/selvedge/v1/round_pb.js";
import { invalidPlan, oneOf, range } from "./plan-checks.ts";
import { robustRuleNames } from "./robust-settings.ts";

export type PlannedBlock = "zeroing" | "clipping" | "sampling" | "quantisation";

type BlockOption = Exclude<keyof AggregatorBlock, `$${string}` | "name">;

/** What adds up all updates, by name; beside these there are the robust rules. */
export const plannedAggregators: readonly string[] = ["weighted-mean", "unweighted-mean", "sum"];

/** The blocks of plans in the order in which an update goes through them, and which options each has. */
export const plannedBlocks: { readonly [Name in PlannedBlock]: readonly BlockOption[] } = {
  zeroing: ["bound", "quantile", "initial", "learningRate", "multiplier", "increment"],
  clipping: ["bound", "quantile", "initial", "learningRate"],
  sampling: ["fraction"],
  quantisation: ["bits"],
};

/** Of each option, the lowest and the highest value. */
export const blockRanges: { readonly [Option in BlockOption]: readonly [number, number] } = {
  bound: [1e-12, 1e12],
  quantile: [0.000_001, 0.999_999],
  initial: [1e-12, 1e12],
  learningRate: [1e-6, 1e3],
  multiplier: [1, 1e6],
  increment: [0, 1e6],
  fraction: [0.0001, 0.9999],
  bits: [1, 16],
};

/**
 * Why these blocks cannot follow each other in this order.
 *
 * @returns undefined when they can; else which of them, and a clause
 */
export function orderProblem(
  names: readonly string[],
): { readonly index: number; readonly problem: string } | undefined {
  const order = Object.keys(plannedBlocks);
  for (const [index, name] of names.entries()) {
    const before = names[index - 1];
    if (before === undefined || order.indexOf(before) < order.indexOf(name)) continue;
    const problem =
      before === name
        ? `"${name}" stands there twice`
        : `"${name}" has to stand before "${before}": ${needs[name] ?? ""}`;
    return { index, problem };
  }
  return undefined;
}

/** @throws SelvedgeError `invalid_argument` naming the field */
export function checkAggregator(spec: AggregatorSpec | undefined): void {
  const { name = "", blocks = [] } = spec ?? {};
  oneOf("aggregator", name, [...plannedAggregators, ...robustRuleNames]);
  for (const block of blocks) checkBlock(block);
  const order = orderProblem(blocks.map((block) => block.name));
  if (order !== undefined) throw invalidPlan("aggregator.blocks", order.problem);
}

/** What a device of the first version would leave out: blocks; undefined where there are none (SPEC OF8). */
export function laterAggregator(spec: AggregatorSpec | undefined): AggregatorSpec | undefined {
  return (spec?.blocks.length ?? 0) > 0 ? spec : undefined;
}

function checkBlock({ $typeName: _, $unknown: __, name, ...options }: AggregatorBlock): void {
  oneOf("aggregator.blocks", name, Object.keys(plannedBlocks));
  const own: readonly string[] = plannedBlocks[name as PlannedBlock];
  for (const [option, value] of Object.entries(options) as [BlockOption, number | undefined][]) {
    if (value === undefined) continue;
    const field = `aggregator.blocks.${option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
    if (!own.includes(option)) throw invalidPlan(field, `"${name}" has only ${own.join(", ")}`);
    range(field, value, ...blockRanges[option]);
    if (options.bound !== undefined && option !== "bound") {
      throw invalidPlan(field, `is for a bound that moves, and bound says that it stays`);
    }
  }
  const missing = required[name as PlannedBlock]?.find((option) => options[option] === undefined);
  if (missing !== undefined) throw invalidPlan(`aggregator.blocks.${missing}`, `"${name}" needs it`);
}

const required: { readonly [Name in PlannedBlock]?: readonly BlockOption[] } = {
  sampling: ["fraction"],
  quantisation: ["bits"],
};

/** Why a block cannot come later than it does. */
const needs: Readonly<Record<string, string>> = {
  zeroing: "it looks at values as they were trained, before anything is made of them",
  clipping: "it measures the norm of a whole update",
  sampling: "it chooses among values that are not packed yet",
};
