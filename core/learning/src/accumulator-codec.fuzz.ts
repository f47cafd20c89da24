import { digestOf } from "@selvedge/protocol";
import type { FuzzTarget } from "@selvedge/testkit";
import { decodeAccumulator, encodeAccumulator } from "./accumulator-codec.ts";

export const target: FuzzTarget = {
  name: "accumulator-codec",
  examples: () => [
    encodeAccumulator({
      format: "grid64",
      configDigest: digestOf(new Uint8Array()),
      baseVersion: 3,
      contributors: ["device-1", "device-2"],
      weight: 20,
      sum: Float64Array.of(0.5, -1, 2),
    }),
  ],
  words: ['"contributors":[', '"parameters":', '"format":"grid64"', "{", "[", "}", "]", "null"],
  decode: decodeAccumulator,
};
