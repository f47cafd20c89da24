import type { FuzzTarget } from "@selvedge/testkit";
import { readCsv } from "./csv-adapter.ts";
import { column, inOneChunk, reading } from "./table.fixture.ts";

const colour = column("colour", { type: "category", values: ["blue", "red"], missing: "skip-row" });
const table = reading(column("a", { missing: "mean" }), column("on", { type: "boolean" }), colour);

export const target: FuzzTarget = {
  name: "csv",
  examples: () => [
    Buffer.from("a,on,colour,label\n1.5,true,red,yes\n,0,blue,no\n"),
    Buffer.from('label,"colour",on,a\r\nyes,"blue",1,"-2e3"\r\n'),
  ],
  words: ["\n", ",", '"', '""', "NaN", "1e99", "\uFEFF", "yes"],
  decode: (input) => readCsv(inOneChunk(input), { format: "csv", path: "data.csv" }, table),
};
