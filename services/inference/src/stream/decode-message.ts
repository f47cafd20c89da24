import { decodeInferBody, parseJson } from "../http/infer-body.ts";
import { decodeBareElements } from "../tensors/bare-tensor.ts";
import type { InferRequest, ModelSignature } from "../tensors/infer-request.ts";
import { arrayAt, invalid, objectAt, show } from "../tensors/json-fields.ts";
import type { PayloadKind } from "./stream-options.ts";

/** How a stream's payloads are to be read. */
export interface PayloadForm {
  readonly payload: PayloadKind;
  readonly fields?: readonly string[] | undefined;
}

/** What a payload is, by how it is to be read and how it begins. */
export function kindOf(payload: Uint8Array, form: PayloadForm): Exclude<PayloadKind, "auto"> {
  if (form.payload !== "auto") return form.payload;
  if (payload[0] === 0x89 || (payload[0] === 0xff && payload[1] === 0xd8)) return "picture";
  return firstCharacter(payload) === "{" ? "json" : "numbers";
}

/**
 * Reads what is no picture: the JSON of an inference request as HTTP takes it, or the numbers of the model's one input
 * as a JSON array, as text between commas, semicolons or white space, as fields of a JSON object, or as bare bytes.
 *
 * @param headerLength as `Inference-Header-Content-Length` of a request over HTTP
 * @throws SelvedgeError `invalid_argument` that names what is wrong
 */
export function decodeMessage(
  payload: Uint8Array,
  form: PayloadForm,
  headerLength: string | undefined,
  model: ModelSignature,
): InferRequest {
  const kind = kindOf(payload, form);
  // Without a header that says where JSON ends, an answer is JSON.
  if (kind === "raw") return { ...decodeInferBody(payload, "0", model), binary: new Set() };
  if (kind === "numbers") return decodeBareElements(numbersOf(payload), model, what);
  if (form.fields === undefined) return decodeInferBody(payload, headerLength, model);
  const object = objectAt(parseJson(payload), what);
  return decodeBareElements(
    form.fields.map((field) => fieldOf(object, field)),
    model,
    what,
  );
}

function numbersOf(payload: Uint8Array): readonly unknown[] {
  if (firstCharacter(payload) === "[") return arrayAt(parseJson(payload), what);
  const text = new TextDecoder().decode(payload).trim();
  return (text === "" ? [] : text.split(separator)).map((word, index) => {
    if (numberForm.test(word)) return Number(word);
    throw invalid(
      what,
      `has ${show(word)} at place ${index}, which is no number`,
      "send numbers, an inference request in JSON, a PNG or a JPEG",
    );
  });
}

/** The value at a place such as `air.temperature`. */
function fieldOf(object: unknown, field: string): unknown {
  let value: unknown = object;
  for (const name of field.split(".")) {
    const holder = objectAt(value, what);
    if (!Object.hasOwn(holder, name)) throw invalid(what, `lacks "${field}"`);
    value = holder[name];
  }
  return value;
}

function firstCharacter(payload: Uint8Array): string {
  const byte = payload.find((each) => !whiteSpace.has(each));
  return byte === undefined ? "" : String.fromCharCode(byte);
}

const what = "the message";
const whiteSpace: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20]);
const separator = /\s*[,;\s]\s*/;
const numberForm = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
