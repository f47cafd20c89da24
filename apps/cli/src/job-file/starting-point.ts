import {
  type ParameterSlot,
  parameterLayout,
  parseModel,
  readParameters,
  writeParameters,
} from "@selvedge/onnx";
import { SelvedgeError } from "@selvedge/protocol";

/** A model whose weights a job begins with. */
export interface StartingPoint {
  /** As people call it: "digits@3". */
  readonly name: string;
  /** An ONNX file. */
  readonly bytes: Uint8Array;
}

/**
 * A model with the weights of another one, of the same parameters.
 *
 * @param own an ONNX file; every other byte of it stays
 * @throws SelvedgeError `failed_precondition` naming the first parameter that only one of them has, and as `parseModel`
 */
export function withWeights(own: Uint8Array, { name, bytes }: StartingPoint): Uint8Array {
  const [model, theirs] = [parseModel(own), parseModel(bytes)];
  const layout = parameterLayout(model);
  const [mine, others] = [layout.slots, parameterLayout(theirs).slots].map((slots) => slots.map(described));
  const missing = mine?.find((slot) => !others?.includes(slot));
  const further = others?.find((slot) => !mine?.includes(slot));
  if (missing !== undefined) throw mismatch(`${name} has no ${missing}, which the job's model has`);
  if (further !== undefined) throw mismatch(`the job's model has no ${further}, which ${name} has`);
  return writeParameters(own, layout, readParameters(theirs, layout));
}

function described({ name, shape }: ParameterSlot): string {
  return `parameter "${name}" of shape [${shape.join(", ")}]`;
}

function mismatch(problem: string): SelvedgeError {
  return new SelvedgeError("failed_precondition", problem, {
    at: "from",
    fix: "begin with a model of the same layers, or leave `model` out to take the file that the weights are in",
  });
}
