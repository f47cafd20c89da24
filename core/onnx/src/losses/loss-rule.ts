import { SelvedgeError } from "@selvedge/protocol";
import { cast, mul } from "../arithmetic.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import { describeShape } from "../shape.ts";

/** What is to be learned, as the labels of a dataset. */
export interface TargetFormat {
  /** int32 for classes, float32 for numbers. */
  readonly type: "int32" | "float32";
  /** Of one example, without the batch. */
  readonly shape: readonly number[];
  /** Of how many classes they are indices, 0 <= index < classes; undefined for numbers. */
  readonly classes: number | undefined;
}

/** What a loss says about one batch of a model's output and targets. */
export interface BatchLoss {
  /** Scalar, or of one element: the sum of what is averaged. */
  readonly sum: Value;
  /** Likewise: what the mean divides the sum by. */
  readonly weight: Value;
  /** How many classes were predicted right, and of how many; only where there are classes. */
  readonly predictions?: Predictions;
  /** [batch, 1]: above 0 where the second of two classes is predicted; only where each example is of one of two. */
  readonly margin?: Value;
  /**
   * float64 [4]: the sums of |y - t|, (y - t)², t and t² over as many numbers as the weight says; only of
   * losses that are a distance of numbers.
   */
  errors?(): Value;
  /** Gradient of `factor * sum` by the output, in its shape; `factor` is a scalar. */
  gradient(factor: Value): Value;
}

/** How well a batch's classes were predicted; the methods emit what they give only when it is asked for. */
export interface Predictions {
  readonly correct: Value;
  readonly counted: Value;
  /** How often the class was among the k of the highest scores; only where there is a score for each class. */
  among?(k: number): Value;
  /** [3, classes]: how often each class was predicted rightly, was predicted, and was there; likewise. */
  countsOfClasses?(): Value;
  /** Scalar: the sum of -ln of the class's probability; likewise. */
  logLoss?(): Value;
}

/** How a loss makes probabilities of scores. */
export type Activation = { readonly op: "Softmax"; readonly axis: number } | { readonly op: "Sigmoid" };

/** A loss with its options. */
export interface LossRule {
  /** Only where the loss is of raw scores, and makes probabilities of them. */
  readonly activation?: Activation;
  /**
   * What the targets of a model are.
   *
   * @param output shape of what the model gives for one example
   * @throws SelvedgeError `unsupported` where the loss has no meaning for it, `invalid_argument` for options that do not fit
   */
  target(output: readonly number[]): TargetFormat;
  /**
   * @param output [batch, ...] as the model gives it
   * @param target [batch, ...] in the target's format; numbers in the type of the output
   */
  emit(graph: GraphBuilder, output: Value, target: Value): BatchLoss;
}

/** How many examples the batch at hand has, times `each`, of one element: the last batch may be short. */
export function lengthOf(g: GraphBuilder, target: Value, like: Value, each = 1): Value {
  const attributes = target.shape.length === 1 ? {} : { start: 0, end: 1 };
  return mul(g, cast(g, g.node("Shape", [target], attributes), like.type), each);
}

export function numbersLike(output: readonly number[]): TargetFormat {
  return { type: "float32", shape: output, classes: undefined };
}

/** Numbers of one example of a value whose sizes, but for the batch, are fixed. */
export function perExample({ shape }: Value): number {
  return shape.slice(1).reduce<number>((product, size) => product * Number(size), 1);
}

export function unfit(loss: string, output: readonly number[], needs: string): SelvedgeError {
  const shape = describeShape(["batch", ...output]);
  return new SelvedgeError("unsupported", `the model gives ${shape}; the loss ${loss} needs ${needs}`, {
    fix: "choose a loss that fits, or export another output",
  });
}
