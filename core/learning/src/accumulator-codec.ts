import { isDigest, SelvedgeError } from "@selvedge/protocol";
import type { Accumulator } from "./accumulator.ts";
import { decodeFrame, encodeFrame, type FrameFormat, isWhole } from "./float64-frame.ts";

/** Equal accumulators have equal bytes. See float64-frame.ts for the layout. */
export function encodeAccumulator(accumulator: Accumulator): Uint8Array {
  const { format, configDigest, baseVersion, contributors, counts, measurements, weight, sum } = accumulator;
  const header = {
    ...{ baseVersion, configDigest, contributors },
    ...(counts !== undefined && { counts }),
    ...{ format },
    ...(measurements !== undefined && { measurements }),
    ...{ parameters: sum.length, weight },
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
  const format = header.get("format");
  const measurements = header.get("measurements");
  const always = [...header.keys()].filter((key) => key !== "counts" && key !== "measurements");
  if (always.join() !== fields) throw corrupt("set of fields");
  if (format !== "grid64" && format !== "combined") throw corrupt("format");
  if (header.get("parameters") !== values.length) throw corrupt("parameters");
  if (typeof configDigest !== "string" || !isDigest(configDigest)) throw corrupt("configDigest");
  if (!isWhole(baseVersion)) throw corrupt("baseVersion");
  if (!isWhole(weight)) throw corrupt("weight");
  if (!Array.isArray(contributors) || !contributors.every((id) => typeof id === "string")) {
    throw corrupt("contributors");
  }
  if (counts !== undefined && !isCounts(counts)) throw corrupt("counts");
  if (measurements !== undefined && !isMeasurements(measurements)) throw corrupt("measurements");
  return {
    ...{ format, configDigest, baseVersion, contributors, weight, sum: values },
    ...(counts !== undefined && { counts }),
    ...(measurements !== undefined && { measurements }),
  };
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every(isWhole);
}

function isMeasurements(value: unknown): value is Readonly<Record<string, number>> {
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  return isMap && Object.values(value).every((one) => typeof one === "number");
}

function corrupt(field: string): SelvedgeError {
  return new SelvedgeError("corrupt", `the header's ${field} is not as it must be`, { at: frameFormat.name });
}

/** Beside `counts` and `measurements`, which are there only where there are some. */
const fields = "baseVersion,configDigest,contributors,format,parameters,weight";

const frameFormat: FrameFormat = {
  magic: "SVAC",
  version: 1,
  // 10,000 contributors with names of 64 characters.
  headerBytesMax: 1_048_576,
  name: "accumulator",
};
