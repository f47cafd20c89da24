import type { FuzzTarget } from "@selvedge/testkit";
import { readJsonLines } from "./json-lines-adapter.ts";
import { column, inOneChunk, reading } from "./table.fixture.ts";

const colour = column("colour", { type: "category", values: ["blue", "red"], missing: "skip-row" });
const table = reading(column("a", { missing: "mean" }), column("on", { type: "boolean" }), colour);

export const target: FuzzTarget = {
  name: "json-lines",
  examples: () => [
    Buffer.from(
      '{"a":1.5,"on":true,"colour":"red","label":"yes"}\n{"a":null,"on":0,"colour":"blue","label":"no"}',
    ),
  ],
  words: ["\n", "{", "}", "[", "null", "1e999", '"__proto__"', '"a":'],
  decode: (input) => readJsonLines(inOneChunk(input), { format: "jsonl", path: "data.jsonl" }, table),
};
