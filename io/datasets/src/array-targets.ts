import { type ClassTarget, type PlanTarget, SelvedgeError } from "@selvedge/protocol";
import type { FileArray } from "./array-dataset.ts";
import type { Targets } from "./dataset.ts";
import { isSameLayout } from "./same-layout.ts";

/**
 * What a plan learns of each example, from an array of labels.
 *
 * @throws SelvedgeError `failed_precondition` without labels, `unsupported` for fractions where classes are
 *   learned, `corrupt` for another shape or an index of no class; naming file and field
 */
export function arrayTargets(target: PlanTarget, labels: FileArray | undefined, inputs: FileArray): Targets {
  if (target.kind === "input") return { kind: "input" };
  if (labels === undefined) {
    throw new SelvedgeError("failed_precondition", "the plan learns labels, and this dataset has none", {
      at: inputs.at,
      fix: "name the array of the labels beside that of the examples",
    });
  }
  checkLabelShape(target.shape, labels, inputs);
  const { shape } = target;
  if (target.kind === "numbers") return { kind: "numbers", shape, values: floats(labels.values) };
  return { kind: "class", shape, classes: target.classes, values: classIndices(target, labels) };
}

function checkLabelShape(wanted: readonly number[], labels: FileArray, inputs: FileArray): void {
  const [length = 0, ...shape] = labels.shape;
  if (length === inputs.shape[0] && isSameLayout(shape, wanted)) return;
  const each = wanted.length === 0 ? "" : `, with [${wanted.join(", ")}] for each`;
  throw new SelvedgeError(
    "corrupt",
    `labels of shape [${labels.shape.join(", ")}] do not match ${inputs.shape[0]} examples of ${inputs.at}${each}`,
    { at: `${labels.at}: dimensions`, fix: "give the examples and labels of the same set" },
  );
}

function floats(values: Uint8Array | Float32Array): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

function classIndices({ classes, ignoreIndex, shape }: ClassTarget, labels: FileArray): Int32Array {
  if (!labels.isWhole) {
    throw new SelvedgeError("unsupported", "labels are stored as floating-point numbers", {
      at: `${labels.at}: descr`,
      fix: "save labels.astype(numpy.int32)",
    });
  }
  const indices = Int32Array.from(labels.values);
  const wrong = indices.findIndex((label) => (label < 0 || label >= classes) && label !== ignoreIndex);
  if (wrong === -1) return indices;
  const example = Math.floor(wrong / shape.reduce((product, size) => product * size, 1));
  // The message may leave the device, so the label is only in the place.
  throw new SelvedgeError("corrupt", `a label of example ${example} is not below ${classes}`, {
    at: `${labels.at}: values: ${indices[wrong]}`,
    fix: "set `classes` to one more than the largest label",
  });
}
