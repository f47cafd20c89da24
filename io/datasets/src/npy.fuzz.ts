import type { FuzzTarget } from "@selvedge/testkit";
import { npyFile } from "./npy.fixture.ts";
import { parseNpy } from "./npy.ts";

export const target: FuzzTarget = {
  name: "npy",
  examples: () => [
    npyFile("<f4", [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6)),
    npyFile("<i8", [2], BigInt64Array.of(0n, 1n), 2),
  ],
  decode: (input) => parseNpy(input, "inputs.npy"),
};
