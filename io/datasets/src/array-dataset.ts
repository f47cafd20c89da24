import { SelvedgeError } from "@selvedge/protocol";
import { arrayTargets } from "./array-targets.ts";
import type { Dataset, DatasetDescription, DatasetReading } from "./dataset.ts";

/** An array of a file format, with where it is from. */
export interface FileArray {
  readonly shape: readonly number[];
  readonly values: Uint8Array | Float32Array;
  /** Whether the file holds whole numbers. */
  readonly isWhole: boolean;
  readonly at: string;
}

/** Examples, and labels where a plan learns them, as arrays. */
export interface LabelledArrays {
  readonly name: string;
  readonly scale: number;
  /** [N, ...inputShape] */
  readonly inputs: FileArray;
  /** [N, ...]; undefined where there are none, or none are learned. */
  readonly labels: FileArray | undefined;
}

/**
 * Checks that two arrays belong together and hold what is learned: as many labels as examples, at
 * least one, in the target's shape.
 *
 * @throws SelvedgeError `corrupt`, `unsupported` or `failed_precondition`, naming file and field
 */
export function arrayDataset(
  { name, scale, inputs, labels }: LabelledArrays,
  reading: DatasetReading,
): Dataset {
  const [length = 0, ...inputShape] = inputs.shape;
  if (length === 0) {
    throw new SelvedgeError("corrupt", "the file holds no examples", { at: `${inputs.at}: dimension 0` });
  }
  const targets = arrayTargets(reading.target, labels, inputs);
  return { name, length, inputShape, inputs: inputs.values, scale, targets };
}

/** What the heads of the arrays say. */
export function describeArrays(
  inputs: { readonly shape: readonly number[] },
  labels: { readonly shape: readonly number[]; readonly isWhole: boolean } | null,
  classes: number | undefined,
): DatasetDescription {
  const [length = 0, ...inputShape] = inputs.shape;
  const described = labels && { shape: labels.shape.slice(1), isWhole: labels.isWhole };
  return { kind: "array", length, inputShape, labels: described, classes };
}

/**
 * @param classes as the data's owner says
 * @throws SelvedgeError `invalid_argument`, or `failed_precondition` for a plan of other classes, or one that reads columns or a text
 */
export function checkReading(
  classes: number | undefined,
  { target, table, text }: DatasetReading,
  at: string,
): void {
  checkClasses(classes);
  if (table !== null || text !== null) {
    throw new SelvedgeError(
      "failed_precondition",
      table === null
        ? "the plan reads a text, and these are arrays"
        : "the plan reads columns, and arrays have none",
      { at, fix: "give data of the form that the plan reads, or another job" },
    );
  }
  if (classes === undefined || target.kind !== "class" || classes === target.classes) return;
  throw new SelvedgeError(
    "failed_precondition",
    `the plan tells ${target.classes} classes apart and the dataset has ${classes}`,
    { at, fix: "give a dataset with as many classes as the plan" },
  );
}

/** @throws SelvedgeError `invalid_argument` */
export function checkClasses(classes: number | undefined): void {
  if (classes === undefined || (Number.isInteger(classes) && classes >= 1)) return;
  throw new SelvedgeError("invalid_argument", `classes is ${classes}, not a positive integer`, {
    at: "dataset source: classes",
  });
}
