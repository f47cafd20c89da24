import { limits } from "@selvedge/protocol";
import type { Tensor, TensorDeclaration, Tensors } from "@selvedge/runtime";
import { datatypeOf, datatypes } from "./datatype.ts";
import { decodeTensor } from "./decode-tensor.ts";
import {
  arrayAt,
  countAt,
  flagAt,
  invalid,
  type JsonObject,
  objectAt,
  parametersOf,
  show,
} from "./json-fields.ts";

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
  /** Outputs to be answered as binary data. */
  readonly binary: ReadonlySet<string>;
  /** How long the caller waits for its answer, microseconds. */
  readonly timeoutUs: number | undefined;
}

/**
 * Checks the JSON of `POST …/infer` (Open Inference Protocol v2, "Inference
 * Request JSON Object", and the binary tensor data extension) against the model
 * it is for. JSON data may be flat or nested as its shape says; unknown fields
 * and parameters are ignored.
 *
 * @param blobs what follows the JSON in the body: the binary data of inputs, one after the other
 * @throws SelvedgeError `invalid_argument` that names the field and what was expected
 */
export function decodeInferRequest(
  body: unknown,
  model: ModelSignature,
  blobs: Uint8Array = new Uint8Array(0),
): InferRequest {
  const request = objectAt(body, "the request");
  const { id, inputs, outputs } = request;
  if (id !== undefined && typeof id !== "string") throw invalid("id", "must be a string");
  if (id !== undefined && id.length > limits.requestIdLengthMax) {
    throw invalid("id", `has ${id.length} characters, at most ${limits.requestIdLengthMax} are taken`);
  }
  const parameters = parametersOf(request);
  const allBinary = flagAt(parameters.binary_data_output, "parameters.binary_data_output") ?? false;
  return {
    id,
    feeds: decodeInputs(inputs, model, blobs),
    ...decodeOutputs(outputs, model, allBinary),
    timeoutUs: decodeTimeout(parameters.timeout),
  };
}

/** @throws SelvedgeError `invalid_argument` when the inputs are not those the model has */
export function checkInputsGiven(feeds: ReadonlyMap<string, Tensor>, model: ModelSignature): Tensors {
  const missing = model.inputs.filter(({ name }) => !feeds.has(name));
  if (missing.length > 0) throw invalid("inputs", `lacks ${quoted(missing)}`);
  return Object.fromEntries(feeds);
}

/** @throws SelvedgeError `invalid_argument` when the model declares none of this name */
export function findDeclaration(
  declared: readonly TensorDeclaration[],
  name: unknown,
  at: string,
  what: "input" | "output",
): TensorDeclaration {
  const found = declared.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw invalid(at, `is ${show(name)}, the model has the ${what}s ${quoted(declared)}`);
}

/** @throws SelvedgeError `invalid_argument` when it is there and no whole number above 0 */
export function decodeTimeout(value: unknown): number | undefined {
  const timeoutUs = countAt(value, "parameters.timeout");
  // As Triton has it, 0 is none.
  return timeoutUs === 0 ? undefined : timeoutUs;
}

function decodeInputs(inputs: unknown, model: ModelSignature, blobs: Uint8Array): Tensors {
  const feeds = new Map<string, Tensor>();
  let offset = 0;
  for (const [index, entry] of arrayAt(inputs, "inputs").entries()) {
    const at = `inputs[${index}]`;
    const input = objectAt(entry, at);
    const declaration = findDeclaration(model.inputs, input.name, `${at}.name`, "input");
    if (feeds.has(declaration.name)) throw invalid(`${at}.name`, `gives "${declaration.name}" twice`);
    const blob = takeBlob(input, blobs.subarray(offset), at);
    offset += blob?.length ?? 0;
    feeds.set(declaration.name, decodeTensor(input, declaration, blob, at));
  }
  if (offset < blobs.length) {
    throw invalid("the request's body", `has ${blobs.length - offset} bytes after the data of its inputs`);
  }
  return checkInputsGiven(feeds, model);
}

/** The binary data of an input, if it says that it has any, from what is left of the body. */
function takeBlob(input: JsonObject, left: Uint8Array, at: string): Uint8Array | undefined {
  const where = `${at}.parameters.binary_data_size`;
  const size = countAt(parametersOf(input, `${at}.`).binary_data_size, where);
  if (size === undefined) return undefined;
  if (size > left.length) throw invalid(where, `is ${size}, the body has ${left.length} bytes left`);
  return left.subarray(0, size);
}

function decodeOutputs(
  outputs: unknown,
  model: ModelSignature,
  allBinary: boolean,
): Pick<InferRequest, "fetches" | "binary"> {
  if (outputs === undefined) {
    const fetches = model.outputs.map(({ name }) => name);
    if (!allBinary) for (const output of model.outputs) checkJsonForm(output, "outputs");
    return { fetches, binary: new Set(allBinary ? fetches : []) };
  }
  const fetches = new Set<string>();
  const binary = new Set<string>();
  for (const [index, entry] of arrayAt(outputs, "outputs").entries()) {
    const at = `outputs[${index}]`;
    const output = objectAt(entry, at);
    const isBinary = flagAt(parametersOf(output, `${at}.`).binary_data, `${at}.parameters.binary_data`);
    const declaration = findDeclaration(model.outputs, output.name, `${at}.name`, "output");
    if (fetches.has(declaration.name)) throw invalid("outputs", "names an output twice");
    fetches.add(declaration.name);
    if (isBinary ?? allBinary) binary.add(declaration.name);
    else checkJsonForm(declaration, at);
  }
  if (fetches.size === 0) throw invalid("outputs", "names no output: leave it out to get all");
  return { fetches: [...fetches], binary };
}

/** Said before the model runs, rather than after. */
function checkJsonForm({ name, type }: TensorDeclaration, at: string): void {
  const datatype = datatypeOf(type);
  if (!datatypes[datatype].binaryOnly) return;
  throw invalid(at, `wants "${name}" of ${datatype} as JSON`, "ask for it with binary_data");
}

function quoted(declared: readonly TensorDeclaration[]): string {
  return declared.map(({ name }) => `"${name}"`).join(", ");
}
