import assert from "node:assert/strict";
import type { FuzzTarget } from "@selvedge/testkit";
import { parseContentRange, parseRange } from "./byte-range.ts";

const length = 1_000;

export const target: FuzzTarget = {
  name: "byte-range",
  examples: () =>
    ["bytes=0-499", "bytes=500-", "bytes=-1", "bytes 0-499/1000"].map((text) => Buffer.from(text)),
  words: ["bytes=", "bytes ", "-", "/", ",", "*", "999999999999999"],
  // What is malformed is ignored or answered, never thrown; what is taken lies within the body.
  decode(input) {
    const header = new TextDecoder("latin1").decode(input);
    const range = parseRange(header, length);
    if (typeof range === "object") {
      assert.ok(range.start >= 0 && range.start < range.end && range.end <= length, header);
    }
    const content = parseContentRange(header);
    if (content !== undefined) assert.ok(content.start < content.end && content.end <= content.total, header);
  },
};
