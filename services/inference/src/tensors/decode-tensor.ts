import type { Tensor, TensorDeclaration } from "@selvedge/runtime";
import { type Datatype, datatypeOf, datatypes } from "./datatype.ts";
import { arrayAt, invalid, type JsonObject, show } from "./json-fields.ts";
import { decodeTensorBytes } from "./tensor-bytes.ts";

/**
 * Checks one input of a JSON request against what the model wants of it.
 *
 * @param binary its binary data, when the request says that it has any
 * @throws SelvedgeError `invalid_argument` that names the field and what was expected
 */
export function decodeTensor(
  input: JsonObject,
  wanted: TensorDeclaration,
  binary: Uint8Array | undefined,
  at: string,
): Tensor {
  const datatype = checkDatatype(input.datatype, wanted, `${at}.datatype`);
  const dims = checkShape(input.shape, wanted, `${at}.shape`);
  if (binary === undefined) {
    return { type: wanted.type, dims, data: readJson(input.data, datatype, dims, `${at}.data`) } as Tensor;
  }
  if (input.data !== undefined) throw invalid(`${at}.data`, "is there twice, as JSON and as binary data");
  const data = decodeTensorBytes(datatype, binary, elementCount(dims), `${at} binary data`);
  return { type: wanted.type, dims, data } as Tensor;
}

/** @throws SelvedgeError `invalid_argument` when it is not the one the model wants */
export function checkDatatype(datatype: unknown, wanted: TensorDeclaration, at: string): Datatype {
  const expected = datatypeOf(wanted.type);
  if (datatype === expected) return expected;
  throw invalid(at, `is ${show(datatype)}, the model wants "${expected}" for "${wanted.name}"`);
}

/** @throws SelvedgeError `invalid_argument` when it is no shape the model takes */
export function checkShape(shape: unknown, wanted: TensorDeclaration, at: string): readonly number[] {
  const fits =
    Array.isArray(shape) &&
    shape.length === wanted.dims.length &&
    shape.every((size, axis) => {
      const declared = wanted.dims[axis];
      return typeof declared === "number" ? size === declared : Number.isSafeInteger(size) && size > 0;
    });
  if (fits) return shape;
  const declared = JSON.stringify(openShape(wanted.dims));
  throw invalid(
    at,
    `is ${show(shape)}, the model wants ${declared} for "${wanted.name}" (-1: any size above 0)`,
  );
}

/** A declared shape as the protocol writes it: -1 where the caller chooses. */
export function openShape(dims: readonly (number | string)[]): number[] {
  return dims.map((size) => (typeof size === "number" ? size : -1));
}

/** Elements in a tensor of this shape. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

function readJson(value: unknown, datatype: Datatype, dims: readonly number[], at: string): Tensor["data"] {
  const { allocate, read, accepts, binaryOnly } = datatypes[datatype];
  if (binaryOnly) {
    throw invalid(at, `of ${datatype} cannot be JSON`, "send it as binary data: give its binary_data_size");
  }
  const values = flatten(value, dims, at);
  const elements = allocate(values.length);
  for (const [index, value] of values.entries()) {
    const element = read(value);
    if (element === undefined) {
      throw invalid(at, `has ${show(value)} at element ${index}, ${datatype} is ${accepts}`);
    }
    // `read` gives the kind of value that `allocate`'s array holds.
    (elements as { [index: number]: number | bigint | string })[index] = element;
  }
  return elements;
}

/** The elements in row-major order, of data that is flat or nested exactly as `dims` says. */
function flatten(data: unknown, dims: readonly number[], at: string): readonly unknown[] {
  const elements = arrayAt(data, at);
  const count = elementCount(dims);
  if (!elements.some(Array.isArray)) {
    if (elements.length === count) return elements;
    throw invalid(at, `has ${elements.length} elements, shape ${JSON.stringify(dims)} needs ${count}`);
  }
  return flattenNested(elements, dims, dims, at);
}

function flattenNested(
  elements: readonly unknown[],
  [size, ...inner]: readonly number[],
  shape: readonly number[],
  at: string,
): readonly unknown[] {
  if (elements.length !== size) {
    throw invalid(
      at,
      `has ${elements.length} elements, shape ${JSON.stringify(shape)} needs ${size ?? "a number"}`,
    );
  }
  if (inner.length === 0) return elements;
  return elements.flatMap((element, index) => {
    const place = `${at}[${index}]`;
    return flattenNested(arrayAt(element, place), inner, shape, place);
  });
}
