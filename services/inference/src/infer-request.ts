import { limits, SelvedgeError } from "@selvedge/protocol";
import type { Tensor, TensorDeclaration, Tensors } from "@selvedge/runtime";
import { datatypeOf, datatypes, isDatatype } from "./datatype.ts";

/** What a loaded model takes and gives. */
export interface ModelSignature {
  readonly inputs: readonly TensorDeclaration[];
  readonly outputs: readonly TensorDeclaration[];
}

/** An inference request that fits its model. */
export interface InferRequest {
  readonly id: string | undefined;
  readonly feeds: Tensors;
  /** Names of the outputs wanted, in the order wanted. */
  readonly fetches: readonly string[];
}

/**
 * Checks the JSON body of `POST …/infer` (Open Inference Protocol v2, "Inference
 * Request JSON Object") against the model it is for. Tensor data may be flat or
 * nested as its shape says; unknown fields and `parameters` are ignored.
 *
 * @throws SelvedgeError `invalid_argument` that names the field and what was expected
 */
export function decodeInferRequest(body: unknown, model: ModelSignature): InferRequest {
  const request = objectAt(body, "the request");
  const { id, inputs, outputs } = request;
  if (id !== undefined && typeof id !== "string") throw invalid("id", "must be a string");
  checkParameters(request, "");
  return { id, feeds: decodeInputs(inputs, model), fetches: decodeOutputs(outputs, model) };
}

function decodeInputs(inputs: unknown, model: ModelSignature): Tensors {
  const feeds = new Map<string, Tensor>();
  for (const [index, entry] of arrayAt(inputs, "inputs").entries()) {
    const at = `inputs[${index}]`;
    const input = objectAt(entry, at);
    const declaration = find(model.inputs, input.name, `${at}.name`, "input");
    if (feeds.has(declaration.name)) throw invalid(`${at}.name`, `gives "${declaration.name}" twice`);
    checkParameters(input, `${at}.`);
    feeds.set(declaration.name, decodeTensor(input, declaration, at));
  }
  const missing = model.inputs.filter(({ name }) => !feeds.has(name));
  if (missing.length > 0) throw invalid("inputs", `lacks ${quoted(missing)}`);
  return Object.fromEntries(feeds);
}

function decodeOutputs(outputs: unknown, model: ModelSignature): readonly string[] {
  if (outputs === undefined) return model.outputs.map(({ name }) => name);
  const names = arrayAt(outputs, "outputs").map((entry, index) => {
    const at = `outputs[${index}]`;
    const output = objectAt(entry, at);
    checkParameters(output, `${at}.`);
    return find(model.outputs, output.name, `${at}.name`, "output").name;
  });
  if (names.length === 0) throw invalid("outputs", "names no output: leave it out to get all");
  if (new Set(names).size < names.length) throw invalid("outputs", "names an output twice");
  return names;
}

function decodeTensor(
  input: Readonly<Record<string, unknown>>,
  wanted: TensorDeclaration,
  at: string,
): Tensor {
  const { datatype, shape, data } = input;
  const expected = datatypeOf(wanted.type);
  if (!isDatatype(datatype) || datatype !== expected) {
    throw invalid(
      `${at}.datatype`,
      `is ${show(datatype)}, the model wants "${expected}" for "${wanted.name}"`,
    );
  }
  const dims = decodeShape(shape, wanted, `${at}.shape`);
  const { allocate, read, accepts } = datatypes[expected];
  const values = flatten(data, dims, `${at}.data`);
  const elements = allocate(values.length);
  for (const [index, value] of values.entries()) {
    const element = read(value);
    if (element === undefined) {
      throw invalid(`${at}.data`, `has ${show(value)} at element ${index}, ${expected} is ${accepts}`);
    }
    // `read` gives the kind of number that `allocate`'s array holds.
    (elements as { [index: number]: number | bigint })[index] = element;
  }
  return { type: wanted.type, dims, data: elements } as Tensor;
}

function decodeShape(shape: unknown, wanted: TensorDeclaration, at: string): readonly number[] {
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

/** The elements in row-major order, of data that is flat or nested exactly as `dims` says. */
function flatten(data: unknown, dims: readonly number[], at: string): readonly unknown[] {
  const elements = arrayAt(data, at);
  const count = dims.reduce((product, size) => product * size, 1);
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

function find(
  declared: readonly TensorDeclaration[],
  name: unknown,
  at: string,
  what: "input" | "output",
): TensorDeclaration {
  const found = declared.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw invalid(at, `is ${show(name)}, the model has the ${what}s ${quoted(declared)}`);
}

function checkParameters(holder: Readonly<Record<string, unknown>>, prefix: string): void {
  if (holder.parameters !== undefined) objectAt(holder.parameters, `${prefix}parameters`);
}

function objectAt(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw invalid(at, `must be an object and is ${show(value)}`);
}

function arrayAt(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(at, `must be an array and is ${show(value)}`);
}

function invalid(at: string, problem: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `${at} ${problem}`, { at });
}

/** A caller's value in a message: short, whatever it holds and however deep. */
function show(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return JSON.stringify(value.slice(0, shownLengthMax));
  if (!Array.isArray(value)) return typeof value === "object" && value !== null ? "an object" : String(value);
  const isShort = value.length <= limits.tensorRankMax && value.every((each) => !(each instanceof Object));
  return isShort ? `[${value.map(show).join()}]` : `an array of ${value.length}`;
}

function quoted(declared: readonly TensorDeclaration[]): string {
  return declared.map(({ name }) => `"${name}"`).join(", ");
}

const shownLengthMax = 80;
