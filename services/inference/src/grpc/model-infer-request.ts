import { limits } from "@selvedge/protocol";
import type { Tensor, TensorDeclaration } from "@selvedge/runtime";
import type {
  InferParameter,
  InferTensorContents,
  ModelInferRequest,
  ModelInferRequest_InferInputTensor,
} from "../gen/inference/grpc_service_pb.js";
import { type Datatype, datatypes } from "../tensors/datatype.ts";
import { checkDatatype, checkShape, elementCount } from "../tensors/decode-tensor.ts";
import {
  checkInputsGiven,
  decodeTimeout,
  findDeclaration,
  type InferRequest,
  type ModelSignature,
} from "../tensors/infer-request.ts";
import { invalid, show } from "../tensors/json-fields.ts";
import { decodeTensorBytes, decodeText } from "../tensors/tensor-bytes.ts";

/**
 * Checks a `ModelInferRequest` against the model it is for. Inputs are raw, all
 * of them, or in the field of their datatype, all of them; as they came the
 * outputs go back, those of FP16 excepted.
 *
 * @throws SelvedgeError `invalid_argument` that names the field and what was expected
 */
export function decodeModelInferRequest(request: ModelInferRequest, model: ModelSignature): InferRequest {
  const { id, inputs, rawInputContents: raw } = request;
  if (id.length > limits.requestIdLengthMax) {
    throw invalid("id", `has ${id.length} characters, at most ${limits.requestIdLengthMax} are taken`);
  }
  if (raw.length > 0 && raw.length !== inputs.length) {
    throw invalid("raw_input_contents", `has ${raw.length} entries for ${inputs.length} inputs`);
  }
  const feeds = new Map<string, Tensor>();
  for (const [index, input] of inputs.entries()) {
    const at = `inputs[${index}]`;
    const declaration = findDeclaration(model.inputs, input.name, `${at}.name`, "input");
    if (feeds.has(declaration.name)) throw invalid(`${at}.name`, `gives "${declaration.name}" twice`);
    feeds.set(declaration.name, decodeInput(input, declaration, raw[index], at));
  }
  const fetches = decodeOutputs(request, model);
  return {
    id: id === "" ? undefined : id,
    feeds: checkInputsGiven(feeds, model),
    fetches,
    binary: new Set(raw.length > 0 || fetchesHalf(fetches, model) ? fetches : []),
    timeoutUs: decodeTimeout(numberOf(request.parameters.timeout)),
  };
}

/** A parameter as JSON has it. */
function parameterValue(parameter: InferParameter | undefined): unknown {
  return parameter?.parameterChoice.value;
}

function decodeInput(
  input: ModelInferRequest_InferInputTensor,
  wanted: TensorDeclaration,
  raw: Uint8Array | undefined,
  at: string,
): Tensor {
  const datatype = checkDatatype(input.datatype, wanted, `${at}.datatype`);
  const dims = checkShape(input.shape.map(Number), wanted, `${at}.shape`);
  const count = elementCount(dims);
  if (raw !== undefined) {
    if (input.contents !== undefined) throw invalid(`${at}.contents`, "is there beside raw_input_contents");
    return { type: wanted.type, dims, data: decodeTensorBytes(datatype, raw, count, at) } as Tensor;
  }
  if (datatypes[datatype].binaryOnly)
    throw invalid(`${at}.contents`, `of ${datatype} must be raw_input_contents`);
  const elements = input.contents === undefined ? [] : contentsOf(input.contents, datatype);
  if (elements.length !== count) {
    throw invalid(
      `${at}.contents`,
      `has ${elements.length} elements of ${datatype}, shape ${show(dims)} needs ${count}`,
    );
  }
  return { type: wanted.type, dims, data: readElements(elements, datatype, `${at}.contents`) } as Tensor;
}

type Elements = readonly (boolean | number | bigint | Uint8Array)[];

function contentsOf(contents: InferTensorContents, datatype: Datatype): Elements {
  switch (datatype) {
    case "BOOL":
      return contents.boolContents;
    case "INT8":
    case "INT16":
    case "INT32":
      return contents.intContents;
    case "INT64":
      return contents.int64Contents;
    case "UINT8":
    case "UINT16":
    case "UINT32":
      return contents.uintContents;
    case "UINT64":
      return contents.uint64Contents;
    case "FP16":
      return [];
    case "FP32":
      return contents.fp32Contents;
    case "FP64":
      return contents.fp64Contents;
    case "BYTES":
      return contents.bytesContents;
  }
}

function readElements(elements: Elements, datatype: Datatype, at: string): Tensor["data"] {
  const { allocate, read, accepts } = datatypes[datatype];
  const data = allocate(elements.length) as { [index: number]: unknown };
  for (const [index, element] of elements.entries()) {
    data[index] = element instanceof Uint8Array ? decodeText(element, index, at) : element;
    // What the field can hold and the datatype cannot; floats may be infinite here, and 64 bits are all there.
    if (narrow.has(datatype) && read(element) === undefined) {
      throw invalid(at, `has ${show(element)} at element ${index}, ${datatype} is ${accepts}`);
    }
  }
  return data as unknown as Tensor["data"];
}

function decodeOutputs({ outputs }: ModelInferRequest, model: ModelSignature): readonly string[] {
  if (outputs.length === 0) return model.outputs.map(({ name }) => name);
  const names = outputs.map(
    ({ name }, index) => findDeclaration(model.outputs, name, `outputs[${index}].name`, "output").name,
  );
  if (new Set(names).size < names.length) throw invalid("outputs", "names an output twice");
  return names;
}

function fetchesHalf(fetches: readonly string[], model: ModelSignature): boolean {
  return model.outputs.some(({ name, type }) => type === "float16" && fetches.includes(name));
}

function numberOf(parameter: InferParameter | undefined): unknown {
  const value = parameterValue(parameter);
  return typeof value === "bigint" ? Number(value) : value;
}

const narrow: ReadonlySet<Datatype> = new Set(["INT8", "INT16", "UINT8", "UINT16"]);
