import assert from "node:assert/strict";
import { test } from "node:test";
import { planGroup } from "./plan-group.ts";

test("transactions of a group are judged one after another, and only the last values are left", () => {
  const write = (key: string, expectedVersion: number | undefined, json: string | undefined) => ({
    key,
    expectedVersion,
    json,
  });
  const { conflicts, changes } = planGroup(
    [
      [write("a", 3, "1")],
      [write("a", 3, "2"), write("b", undefined, "2")],
      [write("a", 4, undefined), write("c", 0, "3")],
      [write("a", 0, "4")],
    ],
    (key) => (key === "a" ? 3 : 0),
  );
  assert.deepEqual(
    conflicts.map((conflict) => conflict?.message),
    [undefined, 'key "a" has version 4, not 3', undefined, undefined],
  );
  assert.deepEqual(
    [...changes],
    [
      ["a", { version: 1, json: "4" }],
      ["c", { version: 1, json: "3" }],
    ],
  );
});
