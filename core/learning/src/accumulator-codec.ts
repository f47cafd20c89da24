import { isDigest, SelvedgeError } from "@selvedge/protocol";
import type { Accumulator } from "./accumulator.ts";
import { decodeFrame, encodeFrame, type FrameFormat, isWhole } from "./float64-frame.ts";

/** Equal accumulators have equal bytes. See float64-frame.ts for the layout. */
export function encodeAccumulator(accumulator: Accumulator): Uint8Array {
  const { format, configDigest, baseVersion, contributors, counts, weight, sum } = accumulator;
  const header = {
    ...{ baseVersion, configDigest, contributors },
    ...(counts !== undefined && { counts }),
    ...{ format, parameters: sum.length, weight },
  };
  return encodeFrame(frameFormat, header, [sum]);
}

/**
 * Checks the form only: whether the sum belongs to a round and its values are
 * within bounds is for the aggregator's `merge` to say.
 *
 * @throws SelvedgeError `corrupt`, `unsupported` or `too_large`
 */
export function decodeAccumulator(bytes: Uint8Array): Accumulator {
  const { header, values } = decodeFrame(frameFormat, bytes);
  const configDigest = header.get("configDigest");
  const baseVersion = header.get("baseVersion");
  const weight = header.get("weight");
  const contributors = header.get("contributors");
  const counts = header.get("counts");
  if ([...header.keys()].filter((key) => key !== "counts").join() !== fields) throw corrupt("set of fields");
  if (header.get("format") !== "grid64") throw corrupt("format");
  if (header.get("parameters") !== values.length) throw corrupt("parameters");
  if (typeof configDigest !== "string" || !isDigest(configDigest)) throw corrupt("configDigest");
  if (!isWhole(baseVersion)) throw corrupt("baseVersion");
  if (!isWhole(weight)) throw corrupt("weight");
  if (!Array.isArray(contributors) || !contributors.every((id) => typeof id === "string")) {
    throw corrupt("contributors");
  }
  const made: Accumulator = {
    ...{ format: "grid64", configDigest, baseVersion, contributors, weight },
    sum: values,
  };
  if (counts === undefined) return made;
  if (!Array.isArray(counts) || counts.length === 0 || !counts.every(isWhole)) throw corrupt("counts");
  return { ...made, counts };
}

function corrupt(field: string): SelvedgeError {
  return new SelvedgeError("corrupt", `the header's ${field} is not as it must be`, { at: frameFormat.name });
}

/** Beside `counts`, which is there only where there are some. */
const fields = "baseVersion,configDigest,contributors,format,parameters,weight";

const frameFormat: FrameFormat = {
  magic: "SVAC",
  version: 1,
  // 10,000 contributors with names of 64 characters.
  headerBytesMax: 1_048_576,
  name: "accumulator",
};
