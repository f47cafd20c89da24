import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../testing/groups.ts";
import { cells } from "./cells.ts";
import { renderPage } from "./render-page.ts";

test("docs/reference/reproduction.md says what the committed results say", () => {
  const page = readFileSync(join(root, "docs/reference/reproduction.md"), "utf8");
  assert.equal(page, renderPage(cells), "run npm run reproduce");
});
