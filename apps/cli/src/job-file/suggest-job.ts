import type { ZooEntry } from "@selvedge/onnx";
import type { CompiledModel } from "./compile-model.ts";

export interface JobSuggestion {
  /** A job file that trains the model. */
  readonly job: string;
  /** What data devices have to have for it, in words. */
  readonly data: string;
}

/**
 * How a model of the zoo is usually trained.
 *
 * @param file where it is, as the job file says it
 * @param graph as its usual loss compiles it
 */
export function suggestJob(
  name: string,
  file: string,
  { loss, takesCodes }: ZooEntry,
  { graph }: CompiledModel,
): JobSuggestion {
  const { inputShape, target, learnsInput } = graph;
  const { classes } = target;
  const places = [...target.shape];
  const kind = learnsInput ? "{ kind: input }" : classes === undefined ? numbers(places) : classesOf(places);
  const dataset = [
    `name: ${name}`,
    `inputShape: ${list(inputShape)}`,
    ...(classes === undefined ? [] : [`classes: ${classes}`]),
    ...(kind === undefined ? [] : [`target: ${kind}`]),
  ];
  const options = Object.entries(loss).map(([option, value]) => `${option}: ${value}`);
  const isUsual = loss.name === "softmax-cross-entropy" && options.length === 1;
  const lines = [
    `name: ${name}`,
    `model: ${JSON.stringify(file)}`,
    `dataset: { ${dataset.join(", ")} }`,
    ...(isUsual ? [] : [`loss: { ${options.join(", ")} }`]),
    "optimizer: { name: adam }",
    "learningRate: 0.001",
    "rounds: 10",
    "cohort: 2",
  ];
  const examples = `examples ${list(["N", ...inputShape])}${takesCodes ? ` of ${takesCodes}` : ""}`;
  const labels = learnsInput
    ? "no labels"
    : `labels ${list(["N", ...places])}${classes === undefined ? "" : `, whole numbers below ${classes}`}`;
  return { job: `${lines.join("\n")}\n`, data: `${examples}; ${labels}` };
}

function numbers(shape: readonly number[]): string {
  return `{ kind: numbers, shape: ${list(shape)} }`;
}

/** One class for each example is what a job learns that says nothing. */
function classesOf(shape: readonly number[]): string | undefined {
  return shape.length === 0 ? undefined : `{ kind: class, shape: ${list(shape)} }`;
}

function list(sizes: readonly (number | string)[]): string {
  return `[${sizes.join(", ")}]`;
}
