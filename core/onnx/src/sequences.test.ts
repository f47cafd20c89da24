import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { floats, integers, modelOf, node } from "./models.fixture.ts";
import { rawTensor } from "./tensor-proto.ts";
import { type TrainingGraph, trainingGraph } from "./training-graph.ts";

test("parts of one size, the last of what is left, are taken out of a sequence", () => {
  assert.equal(compiled([4], [], 0, [4, 3]).classes, 3);
  assert.equal(compiled([4], [], -1, [2, 3]).classes, 3);
});

test("parts of given sizes are taken out of a sequence", () => {
  assert.equal(compiled([1, 5], [2], 1, [5, 3]).classes, 3);
});

test("an element that is not there, and parts without a size, are refused", () => {
  assert.throws(() => compiled([4], [], 2, [4, 3]), refusal(/no such element/));
  assert.throws(() => compiled([0], [], 0, [4, 3]), refusal(/parts of size 0/));
  assert.throws(() => compiled([1, 9], [2], 0, [4, 3]), refusal(/parts/));
});

function compiled(
  sizes: readonly number[],
  shape: readonly number[],
  position: number,
  weight: readonly [number, number],
): TrainingGraph {
  const split = { ...integers("sizes", sizes), dims: shape.map(BigInt) };
  return trainingGraph(
    modelOf({
      nodes: [
        node("SplitToSequence", ["x", "sizes"], "parts", { axis: ["int", 1] }),
        node("SequenceAt", ["parts", "position"], "part"),
        node("MatMul", ["part", "w"], "y"),
      ],
      initializers: [
        split,
        rawTensor("position", "int64", [], new Uint8Array(BigInt64Array.of(BigInt(position)).buffer)),
        floats("w", weight, Array(weight[0] * weight[1]).fill(1)),
      ],
    }),
    { loss: "softmax-cross-entropy", optimizer: "sgd", inputType: "float32", scale: 1 },
  );
}

function refusal(pattern: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof SelvedgeError && error.code === "unsupported" && pattern.test(error.message);
}
