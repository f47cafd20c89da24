import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { joinLayouts, pickTensors, placeTensors } from "./layout-sections.ts";
import { floats, modelOf, node, value } from "./models.fixture.ts";
import { parameterLayout } from "./parameters.ts";
import { shareParameters } from "./personal-parameters.ts";

const pair = (name: string) => floats(name, [2], [1, 2]);
const model = modelOf({
  inputs: [value("x", ["batch", 2])],
  nodes: [
    node("MatMul", ["x", "body.w"], "a"),
    node("BatchNormalization", ["a", "bn.scale", "bn.bias", "bn.mean", "bn.variance"], "b"),
    node("MatMul", ["b", "head.w"], "y"),
  ],
  initializers: [
    floats("body.w", [2, 2], [1, 2, 3, 4]),
    ...["bn.scale", "bn.bias", "bn.mean", "bn.variance"].map(pair),
    floats("head.w", [2, 2], [5, 6, 7, 8]),
  ],
});

function names(patterns: readonly string[]): readonly [string[], string[]] {
  const { shared, personal } = shareParameters(model, patterns);
  return [shared.slots.map(({ name }) => name), personal.slots.map(({ name }) => name)];
}

test("personal parameters are those of the patterns, and all of batch normalization by its word", () => {
  const normalization = ["bn.scale", "bn.bias", "bn.mean", "bn.variance"];
  assert.deepEqual(names([]), [["body.w", ...normalization, "head.w"], []]);
  assert.deepEqual(names(["head.*"]), [["body.w", ...normalization], ["head.w"]]);
  assert.deepEqual(names(["batch-normalization"]), [["body.w", "head.w"], normalization]);
  assert.deepEqual(names(["head.*", "batch-normalization"]), [["body.w"], [...normalization, "head.w"]]);
});

test("a pattern for nothing, and one for everything, is refused", () => {
  for (const [patterns, said] of [
    [["tail.*"], /"tail\.\*"/],
    [["*"], /all parameters/],
  ] as const) {
    assert.throws(
      () => shareParameters(model, patterns),
      (error) =>
        error instanceof SelvedgeError && error.code === "invalid_argument" && said.test(error.message),
    );
  }
});

test("what is picked out of a vector and placed into it again is what it was", () => {
  const layout = parameterLayout(model);
  const all = Float32Array.from({ length: layout.length }, (_, index) => index);
  const { shared, personal } = shareParameters(model, ["bn.*"]);
  const sent = pickTensors(all, layout, shared);
  assert.deepEqual([...sent], [0, 1, 2, 3, 12, 13, 14, 15]);
  const own = pickTensors(all, layout, personal);
  const zero = new Float32Array(layout.length);
  assert.deepEqual(placeTensors(placeTensors(zero, layout, sent, shared), layout, own, personal), all);
});

test("joined layouts follow one another, named after their sections", () => {
  const { shared, personal } = shareParameters(model, ["bn.*"]);
  const { slots, length } = joinLayouts({ a: personal, b: shared });
  assert.equal(length, 16);
  assert.deepEqual(slots[4], { name: "b/body.w", shape: [2, 2], offset: 8, length: 4 });
});
