import { SelvedgeError } from "@selvedge/protocol";
import { decodeFrame, encodeFrame, type FrameFormat, isWhole } from "../float64-frame.ts";

/** What a robust rule made of a round, as it waits for the server optimizer. */
export interface CombinedUpdates {
  /** How many devices contributed, left out or not. */
  readonly contributors: number;
  readonly result: Float64Array;
}

/** Equal results have equal bytes. See float64-frame.ts for the layout. */
export function encodeCombined({ contributors, result }: CombinedUpdates): Uint8Array {
  return encodeFrame(frameFormat, { contributors, parameters: result.length }, [result]);
}

/** @throws SelvedgeError `corrupt`, `unsupported` or `too_large` */
export function decodeCombined(bytes: Uint8Array): CombinedUpdates {
  const { header, values } = decodeFrame(frameFormat, bytes);
  const contributors = header.get("contributors");
  if (header.size === 2 && header.get("parameters") === values.length && isWhole(contributors)) {
    return { contributors, result: values };
  }
  throw new SelvedgeError("corrupt", "the header does not fit the values", { at: frameFormat.name });
}

const frameFormat: FrameFormat = {
  magic: "SVRA",
  version: 1,
  headerBytesMax: 1_024,
  name: "combined updates",
};
