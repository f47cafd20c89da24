import { SelvedgeError } from "@selvedge/protocol";
import type { TensorDescription } from "./describe-model.ts";
import type { TargetFormat } from "./losses/loss-rule.ts";
import { describeShape } from "./shape.ts";

/**
 * What a model's own loss learns of one example: numbers, or of how many classes which.
 *
 * @param labels the input that it reads
 * @param output shape of what the model gives for one example
 * @throws SelvedgeError `unsupported` for labels of another type or of no fixed size, and where it does
 *   not show how many classes there are
 */
export function labelFormat(
  { name, type, shape }: TensorDescription,
  output: readonly number[],
): TargetFormat {
  const [batch, ...each] = shape;
  const isIndex = type === "int32" || type === "int64";
  if (batch !== -1 || each.includes(-1) || !(isIndex || type === "float32")) {
    throw new SelvedgeError(
      "unsupported",
      `labels are int32, int64 or float32 [batch, …] of a fixed size per example: ${type} ${describeShape(shape)}`,
      { at: `input "${name}"`, fix: "export the model with such labels" },
    );
  }
  return isIndex
    ? { type: "int32", shape: each, classes: classesOf(name, each, output) }
    : { type: "float32", shape: each, classes: undefined };
}

/** Where scores are for each class: along the last axis, or along the first as PyTorch has images; of one score two. */
function classesOf(name: string, labels: readonly number[], output: readonly number[]): number {
  const isOne = output.length === labels.length || (labels.length === 0 && output.join() === "1");
  if (isOne && output.every((size, axis) => size === (labels[axis] ?? 1))) return 2;
  const last = output.at(-1);
  if (last !== undefined && output.slice(0, -1).join() === labels.join()) return last;
  const [first, ...places] = output;
  if (first !== undefined && places.join() === labels.join()) return first;
  const [given, wanted] = [output, labels].map((shape) => `[${["batch", ...shape].join(", ")}]`);
  throw new SelvedgeError(
    "unsupported",
    `labels ${wanted} do not say of how many classes they are by the scores, ${given}`,
    {
      at: `input "${name}"`,
      fix: "let the model give a score for each class of each label, or take labels of float32",
    },
  );
}
