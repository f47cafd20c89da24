import assert from "node:assert/strict";
import { test } from "node:test";
import { matchingNames } from "./tensor-patterns.ts";

const names = ["encoder.0.weight", "encoder.0.bias", "encoder.10.weight", "head.weight", "*"];

test("a star is any text, everything else is itself", () => {
  const expectations: readonly (readonly [string, readonly string[]])[] = [
    ["head.weight", ["head.weight"]],
    ["encoder.*", ["encoder.0.weight", "encoder.0.bias", "encoder.10.weight"]],
    ["*.weight", ["encoder.0.weight", "encoder.10.weight", "head.weight"]],
    ["encoder.*.weight", ["encoder.0.weight", "encoder.10.weight"]],
    ["e*0*t", ["encoder.0.weight", "encoder.10.weight"]],
    ["*", names],
    ["**", names],
  ];
  for (const [pattern, expected] of expectations) {
    assert.deepEqual([...matchingNames(names, [pattern])], expected, pattern);
  }
  assert.deepEqual([...matchingNames(names, [])], []);
});

test("a pattern that no parameter is like is refused, with their names", () => {
  for (const pattern of ["decoder.*", "head.weigh", "head.weight.*t", "ead*", "", "head*head.weight"]) {
    assert.throws(() => matchingNames(names, ["head.*", pattern]), {
      code: "invalid_argument",
      message: new RegExp(`no parameter is named like "${pattern.replaceAll("*", "\\*")}"`),
      fix: /encoder.0.weight/,
    });
  }
});

test("many stars take no longer", () => {
  const name = "a".repeat(10_000);
  assert.throws(() => matchingNames([name], [`${"*a".repeat(500)}*b`]), { code: "invalid_argument" });
});
