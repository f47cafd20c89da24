import type { CompositionSignatures } from "./compositions.ts";
import type { DifferentiableSignatures } from "./operators.ts";
import type { Shape } from "./shape.ts";

/** Operators that a gradient goes through, by rules of their own or composed of others. */
export interface CheckedSignatures
  extends Omit<DifferentiableSignatures, keyof CompositionSignatures>,
    CompositionSignatures {}

/**
 * One use of an operator whose rule is checked against finite differences: in
 * float64, or in float32 for the operators that ONNX Runtime has only there.
 */
export interface GradientCase<Op extends keyof CheckedSignatures> {
  readonly name: string;
  readonly inputs: readonly (Shape | ConstantInput | undefined)[];
  /** What the names in shapes stand for; they are names in the graph as well. */
  readonly sizes?: Readonly<Record<string, number>>;
  readonly attributes: Readonly<CheckedSignatures[Op]["attributes"]>;
  readonly type?: "float32";
  /** A form that ONNX Runtime's own operator does not take. */
  readonly kernel?: false;
  /** Which of several outputs the loss depends on; on all of them unless said. */
  readonly outputs?: readonly number[];
  /**
   * Where the gradient is taken: anywhere but within 0.1 of zero, where some
   * derivatives jump, unless said otherwise. "distinct": no two values within 0.2
   * of each other, so that none of several largest changes place. "zeros": every third is zero.
   * "small": between -0.8 and 0.8. "large": from 1.5 on.
   */
  readonly at?: Place;
}

export type Place = "positive" | "distinct" | "zeros" | "small" | "large";

/** An input without a gradient: axes, indices, a condition. */
export interface ConstantInput {
  readonly type: "int32" | "int64" | "bool" | "float32" | "float64";
  readonly values: readonly number[];
  readonly shape: readonly number[];
}

/** The cases of one family: an operator without one does not compile. */
export type GradientCaseTable<Ops extends keyof CheckedSignatures> = {
  readonly [Op in Ops]: readonly [GradientCase<Op>, ...GradientCase<Op>[]];
};

export function integers(
  values: readonly number[],
  shape: readonly number[] = [values.length],
): ConstantInput {
  return { type: "int64", values, shape };
}

export function booleans(
  values: readonly number[],
  shape: readonly number[] = [values.length],
): ConstantInput {
  return { type: "bool", values, shape };
}
