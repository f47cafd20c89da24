import type { FuzzTarget } from "@selvedge/testkit";
import type { ModelSignature } from "../tensors/infer-request.ts";
import { decodeMessage, type PayloadForm } from "./decode-message.ts";

const model: ModelSignature = {
  inputs: [{ name: "x", type: "float32", dims: ["batch", 2] }],
  outputs: [{ name: "y", type: "float32", dims: ["batch"] }],
};

const forms: readonly PayloadForm[] = [
  { payload: "auto" },
  { payload: "numbers" },
  { payload: "auto", fields: ["a.b", "c"] },
  { payload: "raw" },
];

/** The first byte of an input says how the rest is read. */
export const target: FuzzTarget = {
  name: "stream-message",
  examples: () => [
    Buffer.from("\0[[1,2],[3,4]]"),
    Buffer.from("\x011, 2; -3.5e1\n4"),
    Buffer.from('\x02{"a":{"b":1},"c":2}'),
    Buffer.from("\x0312345678"),
  ],
  words: ["[", "]", "{", "}", ",", ";", "\n", "1e999", "-0", ".5", "null", '"a":', '"__proto__":'],
  decode: (input) =>
    decodeMessage(
      input.subarray(1),
      forms[(input[0] ?? 0) % forms.length] ?? { payload: "auto" },
      undefined,
      model,
    ),
};
