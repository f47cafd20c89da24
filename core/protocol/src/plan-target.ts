import { SelvedgeError } from "./errors.ts";
import type { DatasetRequest, TrainTask } from "./gen/selvedge/v1/round_pb.js";
import { limits } from "./limits.ts";

/** What is learned of each example: plain data, as a plan declares it. Shapes are of one example, without the batch. */
export type PlanTarget = ClassTarget | NumbersTarget | InputTarget;

/** Classes, 0 <= index < `classes`. */
export interface ClassTarget {
  readonly kind: "class";
  /** One for each place of this shape; [] = one for the example. */
  readonly shape: readonly number[];
  readonly classes: number;
  /** The index of a place that has none. */
  readonly ignoreIndex?: number;
}

export interface NumbersTarget {
  readonly kind: "numbers";
  readonly shape: readonly number[];
}

/** The example itself, as the model is given it. */
export interface InputTarget {
  readonly kind: "input";
  /** That of the input. */
  readonly shape: readonly number[];
}

/** Whether an example has one of two classes, so that it can be a positive one. */
export function isBinary(target: PlanTarget): boolean {
  return target.kind === "class" && target.shape.length === 0 && target.classes === 2;
}

/**
 * What a plan's training learns of each example (SPEC DS8).
 *
 * @throws SelvedgeError `invalid_argument` naming the field
 */
export function planTargetOf(
  { classes, inputShape, target }: DatasetRequest,
  { lossOptions }: TrainTask,
): PlanTarget {
  const { kind = "class", shape = [] } = target ?? {};
  switch (kind) {
    case "class": {
      if (classes < 2 || classes > 1_000_000) throw invalid("classes", `${classes} is outside 2 to 1000000`);
      checkShape(shape, 0);
      const ignoreIndex = lossOptions?.ignoreIndex;
      return { kind, shape, classes, ...(ignoreIndex !== undefined && { ignoreIndex }) };
    }
    case "numbers":
      refuseClasses(classes, kind);
      checkShape(shape, 1);
      return { kind, shape };
    case "input":
      refuseClasses(classes, kind);
      if (shape.length > 0) throw invalid("target.shape", "is that of the input, and not given");
      return { kind, shape: inputShape };
    default:
      throw invalid("target.kind", `"${kind.slice(0, 64)}" is not one of: class, numbers, input`);
  }
}

function checkShape(shape: readonly number[], least: number): void {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (shape.length < least || shape.length > 8 || shape.includes(0)) {
    throw invalid("target.shape", `${least} to 8 positive sizes are needed`);
  }
  if (size > limits.targetSizeMax) {
    throw invalid("target.shape", `${size} numbers for one example; at most ${limits.targetSizeMax}`);
  }
}

function refuseClasses(classes: number, kind: string): void {
  if (classes !== 0) throw invalid("classes", `${classes}, where ${kind} are learned, not classes`);
}

function invalid(field: string, problem: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `the plan's dataset.${field}: ${problem}`, {
    at: `plan.dataset.${field}`,
  });
}
