import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { generatedPages } from "./generated-pages.ts";
import { withGeneratedPart } from "./generated-part.ts";

test("what docs/ says of the code is what the code says; npm run generate writes it", () => {
  for (const { path, text } of generatedPages()) assert.equal(readFileSync(path, "utf8"), text, path);
});

test("only what is between the marks is replaced, and a page without them is refused", () => {
  const page = "a\n<!-- generated: x -->\nold\n<!-- end: x -->\nb\n";
  const made = withGeneratedPart(page, "x", "new");
  assert.equal(made, "a\n<!-- generated: x -->\n\nnew\n\n<!-- end: x -->\nb\n");
  assert.equal(withGeneratedPart(made, "x", "new"), made);
  assert.throws(() => withGeneratedPart(page, "y", "new"), /no part between/);
});
