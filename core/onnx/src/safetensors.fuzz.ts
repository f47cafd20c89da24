import type { FuzzTarget } from "@selvedge/testkit";
import type { ParameterLayout } from "./parameters.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

const layout: ParameterLayout = {
  slots: [
    { name: "w", shape: [2, 2], offset: 0, length: 4 },
    { name: "b", shape: [2], offset: 4, length: 2 },
  ],
  length: 6,
};

export const target: FuzzTarget = {
  name: "safetensors",
  examples: () => [encodeSafetensors(layout, Float32Array.of(1, 2, 3, 4, 5, 6))],
  words: ['"dtype":"F32"', '"data_offsets":[', '"shape":[', "__proto__", '"__metadata__":', "{", "[", "}"],
  decode: (input) => decodeSafetensors(input, layout),
};
