import { SelvedgeError } from "@selvedge/protocol";
import type { Dataset } from "./dataset.ts";

/** Examples and labels as two arrays of a file format, with where they are from. */
export interface LabelledArrays {
  readonly name: string;
  readonly classes: number;
  readonly scale: number;
  /** [N, ...inputShape] */
  readonly inputs: { readonly shape: readonly number[]; readonly values: Uint8Array | Float32Array };
  /** [N]; each a whole number below `classes` */
  readonly labels: { readonly shape: readonly number[]; readonly values: ArrayLike<number> };
  readonly inputsAt: string;
  readonly labelsAt: string;
}

/**
 * Checks that two arrays belong together: as many labels as examples, at least
 * one, every label below `classes`.
 *
 * @throws SelvedgeError `corrupt`, naming file and field
 */
export function arrayDataset(arrays: LabelledArrays): Dataset {
  const { classes, inputs, inputsAt, labels, labelsAt, name, scale } = arrays;
  const [length = 0, ...inputShape] = inputs.shape;
  if (length === 0) {
    throw new SelvedgeError("corrupt", "the file holds no examples", { at: `${inputsAt}: dimension 0` });
  }
  if (labels.shape.length !== 1 || labels.values.length !== length) {
    throw new SelvedgeError(
      "corrupt",
      `labels of shape [${labels.shape.join(", ")}] do not match ${length} examples of ${inputsAt}`,
      { at: `${labelsAt}: dimensions`, fix: "give the examples and labels of the same set" },
    );
  }
  checkLabels(labels.values, classes, labelsAt);
  return {
    name,
    length,
    inputShape,
    classes,
    inputs: inputs.values,
    scale,
    labels: Int32Array.from(labels.values),
  };
}

/** @throws SelvedgeError `invalid_argument` */
export function checkClasses(classes: number): void {
  if (Number.isInteger(classes) && classes >= 1) return;
  throw new SelvedgeError("invalid_argument", `classes is ${classes}, not a positive integer`, {
    at: "dataset source: classes",
  });
}

/** @throws SelvedgeError `failed_precondition` for a plan that names columns */
export function refuseColumns(hasTable: boolean, at: string): void {
  if (!hasTable) return;
  throw new SelvedgeError("failed_precondition", "the plan reads columns, and arrays have none", {
    at,
    fix: "give a CSV or JSON Lines file, or a job without `dataset.columns`",
  });
}

function checkLabels(labels: ArrayLike<number>, classes: number, at: string): void {
  for (let index = 0; index < labels.length; index += 1) {
    const label = labels[index] ?? -1;
    if (Number.isInteger(label) && label >= 0 && label < classes) continue;
    // The message may leave the device, so the label is only in the place.
    throw new SelvedgeError("corrupt", `the label of example ${index} is not below ${classes}`, {
      at: `${at}: values: ${label}`,
      fix: "set `classes` to one more than the largest label",
    });
  }
}
