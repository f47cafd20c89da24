import type { SelvedgeError } from "@selvedge/protocol";
import type { Tensor } from "@selvedge/runtime";
import type { ModelSignature } from "../tensors/infer-request.ts";
import { type OutputOptions, unfitPipeline } from "./pipeline.ts";

export interface ScoredClass {
  /** Its number where the pipeline has no labels. */
  readonly label: string;
  readonly index: number;
  /** As the model gives it, or its probability. */
  readonly score: number;
}

/**
 * The output that a pipeline reads.
 *
 * @throws SelvedgeError `invalid_argument` when the model has none of that name, several to choose from, or none of
 *   scores, and when its classes are not as many as the labels
 */
export function scoresOutput({ name, labels }: OutputOptions, { outputs }: ModelSignature): string {
  const found = outputs.filter((output) => name === undefined || output.name === name);
  const [output, ...others] = found;
  const names = outputs.map((each) => `"${each.name}"`).join(", ");
  if (output === undefined) throw unfit(`the model has no output "${name}", but ${names}`);
  if (others.length > 0) throw unfit(`the model has several outputs: name one of ${names}`);
  if (output.type !== "float32" && output.type !== "float64") {
    throw unfit(`output "${output.name}" is of ${output.type}, not of scores`);
  }
  const classes = output.dims.at(-1);
  if (labels !== undefined && typeof classes === "number" && classes !== labels.length) {
    throw unfit(`there are ${labels.length} labels for ${classes} classes`);
  }
  return output.name;
}

/** The likeliest classes of one example, the likeliest first. */
export function topClasses(
  { data }: Tensor,
  { softmax, labels, top }: OutputOptions,
): readonly ScoredClass[] {
  const scores = softmax ? probabilities(Array.from(data, Number)) : Array.from(data, Number);
  return scores
    .map((score, index) => ({ label: labels?.[index] ?? String(index), index, score }))
    .sort((a, b) => b.score - a.score)
    .slice(0, top);
}

function probabilities(scores: readonly number[]): readonly number[] {
  const highest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = scores.map((score) => Math.exp(score - highest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function unfit(why: string): SelvedgeError {
  return unfitPipeline("output", why);
}
