import { SelvedgeError } from "@selvedge/protocol";
import { decodeFrame, encodeFrame, type FrameFormat, isWhole } from "./float64-frame.ts";
import type { ServerOptimizerState } from "./server-optimizers/server-optimizer.ts";

/** Equal states have equal bytes: vectors are written in the order of their names. */
export function encodeServerOptimizerState(state: ServerOptimizerState): Uint8Array {
  const names = Object.keys(state.vectors).sort();
  const vectors = names.map((name) => state.vectors[name] ?? new Float64Array());
  const lengths = vectors.map((vector) => vector.length);
  return encodeFrame(frameFormat, { lengths, names, step: state.step }, vectors);
}

/** @throws SelvedgeError `corrupt`, `unsupported` or `too_large` */
export function decodeServerOptimizerState(bytes: Uint8Array): ServerOptimizerState {
  const { header, values } = decodeFrame(frameFormat, bytes);
  const { lengths, names, step } = checkHeader(header);
  let offset = 0;
  const vectors = names.map((name, index): [string, Float64Array] => {
    const start = offset;
    offset += lengths[index] ?? 0;
    return [name, values.slice(start, offset)];
  });
  if (offset !== values.length) throw corrupt(`${values.length} values, its header says ${offset}`);
  return { step, vectors: Object.fromEntries(vectors) };
}

interface Header {
  readonly lengths: readonly number[];
  readonly names: readonly string[];
  readonly step: number;
}

function checkHeader(header: ReadonlyMap<string, unknown>): Header {
  const lengths = header.get("lengths");
  const names = header.get("names");
  const step = header.get("step");
  const sound =
    Array.isArray(lengths) &&
    lengths.every(isWhole) &&
    Array.isArray(names) &&
    names.every((name, index) => typeof name === "string" && (index === 0 || names[index - 1] < name)) &&
    lengths.length === names.length &&
    header.size === 3;
  if (!sound || !isWhole(step)) throw corrupt("the header's fields are not as they must be");
  return { lengths, names, step };
}

function corrupt(message: string): SelvedgeError {
  return new SelvedgeError("corrupt", message, { at: frameFormat.name });
}

const frameFormat: FrameFormat = {
  magic: "SVSO",
  version: 1,
  headerBytesMax: 4_096,
  name: "server optimizer state",
};
