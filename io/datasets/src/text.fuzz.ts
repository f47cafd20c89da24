import type { FuzzTarget } from "@selvedge/testkit";
import type { DatasetReading } from "./dataset.ts";
import { readText } from "./text-adapter.ts";

const reading: DatasetReading = {
  target: { kind: "class", shape: [2], classes: 4 },
  table: null,
  text: { vocabulary: ["a", "b", "\u{1F600}"], steps: 2, stride: 1 },
};

export const target: FuzzTarget = {
  name: "text",
  examples: () => [Buffer.from("abba b"), Buffer.from("a\u{1F600}b\r\n")],
  words: ["\n", "\uFEFF", "\u0000", "\u{1F600}"],
  decode: (input) => readText(input, { format: "text", path: "a.txt" }, reading),
};
