import type { FuzzTarget } from "@selvedge/testkit";
import { zipSync } from "fflate";
import { npyFile } from "./npy.fixture.ts";
import { parseNpz, readNpzHeader } from "./npz.ts";
import { inOneChunk } from "./table.fixture.ts";

const files = {
  "y.npy": npyFile("<i8", [2], BigInt64Array.of(0n, 1n)),
  "x.npy": npyFile("<f4", [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
};

export const target: FuzzTarget = {
  name: "npz",
  examples: () => [zipSync(files, { level: 0 }), zipSync(files, { level: 6 })],
  decode: async (input) => {
    await readNpzHeader(inOneChunk(input), "x", "data.npz");
    return parseNpz(input, ["x", "y"], "data.npz");
  },
};
