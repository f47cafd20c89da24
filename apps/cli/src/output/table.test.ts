import assert from "node:assert/strict";
import { test } from "node:test";
import { renderFields, renderTable } from "./table.ts";

test("a table is aligned and has no trailing spaces", () => {
  const columns = [{ title: "NAME" }, { title: "SIZE", align: "right" as const }, { title: "JOB" }];
  const rows = [
    ["digits@1", "7.6 MB", "a"],
    ["faces@12", "812 B", ""],
  ];
  assert.equal(
    renderTable(columns, rows),
    [
      "NAME        SIZE  JOB", //
      "digits@1  7.6 MB  a",
      "faces@12   812 B",
      "",
    ].join("\n"),
  );
});

test("text from elsewhere cannot move the cursor or break a line", () => {
  assert.equal(renderFields([["name", "a\u001b[2J\nb\u202e\u0085"]]), "name  a?[2J?b??\n");
});
