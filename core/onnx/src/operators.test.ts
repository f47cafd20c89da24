import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compositions } from "./compositions.ts";
import { isDifferentiable } from "./gradient-rules.ts";
import { operators } from "./operators.ts";

test("docs/reference/models.md lists every operator, with those that have a gradient in its table", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/reference/models.md"), "utf8");
  const named = (text: string): string[] =>
    [...new Set([...text.matchAll(/`([A-Z]\w+)`/g)].map(([, name = ""]) => name))].sort();
  const [, list = ""] = page.split("And none through these");
  const [without = ""] = list.split(".");
  const names = [...Object.keys(operators), ...Object.keys(compositions)];
  const differentiable = names.filter((name) => isDifferentiable(name) || name in compositions);
  const rows = page.split("\n").filter((line) => line.startsWith("| "));
  assert.deepEqual(named(rows.join("\n")), [...new Set(differentiable)].sort());
  const discrete = names.filter((name) => !differentiable.includes(name));
  assert.deepEqual(named(without), ["Constant", "ConstantOfShape", ...discrete].sort());
});
