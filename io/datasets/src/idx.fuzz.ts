import type { FuzzTarget } from "@selvedge/testkit";
import { encodeIdx, parseIdx } from "./idx.ts";

export const target: FuzzTarget = {
  name: "idx",
  examples: () => [
    encodeIdx({ shape: [3, 2, 2], values: new Uint8Array(12) }),
    encodeIdx({ shape: [4], values: Uint8Array.of(0, 1, 2, 3) }),
  ],
  decode: (input) => parseIdx(input, "images.idx"),
};
