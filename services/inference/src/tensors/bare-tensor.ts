import type { Tensor, TensorDeclaration } from "@selvedge/runtime";
import { type Datatype, datatypeOf } from "./datatype.ts";
import { decodeTensor, elementCount, openShape } from "./decode-tensor.ts";
import type { InferRequest, ModelSignature } from "./infer-request.ts";
import { invalid } from "./json-fields.ts";
import { decodeTensorBytes, elementSize } from "./tensor-bytes.ts";

/**
 * A request that is nothing but the data of a model's one input, as bytes (Triton's raw binary request): the shape
 * follows from the size, all outputs are answered as binary data.
 *
 * @param what what has the bytes, for messages
 * @throws SelvedgeError `invalid_argument` when the model takes other than one input, or more open dimensions than one,
 *   and when the bytes do not add up
 */
export function decodeBareBytes(bytes: Uint8Array, model: ModelSignature, what: string): InferRequest {
  const input = oneInput(model, "send JSON first, and its length as Inference-Header-Content-Length");
  const datatype = datatypeOf(input.type);
  const size = elementSize(datatype);
  if (size === undefined) throw notBare("send JSON first, and its length as Inference-Header-Content-Length");
  const rowSize = size * rowLength(input);
  const dims = dimsFor(input, bytes.length / rowSize);
  if (dims === undefined) throw unfit(what, `${bytes.length} bytes`, input, rowSize);
  const data = decodeTensorBytes(datatype, bytes, elementCount(dims), what);
  const request = requestFor(model, { [input.name]: { type: input.type, dims, data } as Tensor });
  return { ...request, binary: new Set(request.fetches) };
}

/**
 * A request that is nothing but the elements of a model's one input: flat, where the shape follows from their number, or
 * nested as the shape is. All outputs are answered as JSON.
 *
 * @param what what has the elements, for messages
 * @throws SelvedgeError as `decodeBareBytes`, and when an element is none of the model's type
 */
export function decodeBareElements(
  elements: readonly unknown[],
  model: ModelSignature,
  what: string,
): InferRequest {
  const nested = nestedShape(elements);
  const input = oneInput(model, "send an inference request, in JSON", nested !== undefined);
  const row = rowLength(input);
  const shape = nested ?? dimsFor(input, elements.length / row);
  if (shape === undefined) throw unfit(what, `${elements.length} elements`, input, row);
  const datatype: Datatype = datatypeOf(input.type);
  const tensor = decodeTensor({ datatype, shape, data: elements }, input, undefined, what);
  return requestFor(model, { [input.name]: tensor });
}

function requestFor(model: ModelSignature, feeds: InferRequest["feeds"]): InferRequest {
  const fetches = model.outputs.map(({ name }) => name);
  return { id: undefined, feeds, fetches, binary: new Set(), timeoutUs: undefined };
}

function oneInput({ inputs }: ModelSignature, fix: string, isShapeGiven = false): TensorDeclaration {
  const [input, ...others] = inputs;
  const open = input?.dims.filter((each) => typeof each === "string").length ?? 0;
  if (input === undefined || others.length > 0 || (open > 1 && !isShapeGiven)) throw notBare(fix);
  return input;
}

/** Elements for each step of the one open dimension. */
function rowLength({ dims }: TensorDeclaration): number {
  return dims.reduce<number>((all, each) => all * (typeof each === "number" ? each : 1), 1);
}

/** The shape where the open dimension is `rows`, unless that is none. */
function dimsFor({ dims }: TensorDeclaration, rows: number): readonly number[] | undefined {
  const isOpen = dims.some((each) => typeof each === "string");
  if (!Number.isSafeInteger(rows) || rows < 1 || (!isOpen && rows !== 1)) return undefined;
  return dims.map((each) => (typeof each === "number" ? each : rows));
}

/** Sizes along the first elements; undefined of elements that are flat. Whether all others are alike is checked later. */
function nestedShape(elements: readonly unknown[]): readonly number[] | undefined {
  const shape: number[] = [];
  for (let at: unknown = elements; Array.isArray(at); at = at[0]) shape.push(at.length);
  return shape.length > 1 ? shape : undefined;
}

function notBare(fix: string): Error {
  return invalid(
    "bare data",
    "goes to models with one input of fixed-size elements and at most one open dimension",
    fix,
  );
}

function unfit(what: string, has: string, input: TensorDeclaration, row: number): Error {
  const isOpen = input.dims.some((each) => typeof each === "string");
  const shape = JSON.stringify(openShape(input.dims));
  return invalid(what, `has ${has}, ${shape} needs ${isOpen ? "a multiple of " : ""}${row}`);
}
