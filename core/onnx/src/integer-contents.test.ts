import assert from "node:assert/strict";
import { test } from "node:test";
import { parseModel, serializeModel } from "./model.ts";
import { branch, constant, floats, integers, modelOf, node, value } from "./models.fixture.ts";
import { rawTensor } from "./tensor-proto.ts";
import { trainingGraph } from "./training-graph.ts";

const options = { loss: "softmax-cross-entropy", optimizer: "sgd", inputType: "float32", scale: 1 } as const;
const toTheEnd = new Uint8Array(BigInt64Array.of(2n ** 63n - 1n).buffer);

test("a slice to the largest int64, put in shape on its way, is one to the end", () => {
  const graph = trainingGraph(
    modelOf({
      nodes: [
        node("Unsqueeze", ["last", "zero"], "end"),
        node("Concat", ["zero", "two"], "starts", { axis: ["int", 0] }),
        node("Concat", ["end", "end"], "ends", { axis: ["int", 0] }),
        node("Slice", ["x", "starts", "ends"], "columns"),
        node("MatMul", ["columns", "w"], "y"),
      ],
      initializers: [
        rawTensor("last", "int64", [], toTheEnd),
        integers("zero", [0]),
        integers("two", [2]),
        floats("w", [4, 3], Array(12).fill(1)),
      ],
    }),
    options,
  );
  const constants = parseModel(graph.bytes).graph?.initializer ?? [];
  assert.ok(
    constants.some(({ rawData }) => Buffer.from(rawData).equals(Buffer.from([...toTheEnd, ...toTheEnd]))),
  );
});

test("the bias of zeros that an exporter makes from the shape of a weight has a known size", () => {
  const model = modelOf({
    nodes: [
      node("Shape", ["w"], "sizes", { start: ["int", 1] }),
      node("Mod", ["sizes", "five"], "same"),
      node("Expand", ["same", "one"], "columns"),
      node("Expand", ["nothing", "columns"], "bias"),
      node("CastLike", ["bias", "x"], "b"),
      node("Gemm", ["x", "w", "b"], "y"),
    ],
    initializers: [
      integers("one", [1]),
      integers("five", [5]),
      floats("nothing", [], [0]),
      floats("w", [6, 3], Array(18).fill(1)),
    ],
  });
  assert.equal(trainingGraph(parseModel(serializeModel(model)), options).classes, 3);
});

test("pads in PyTorch's order, turned into ONNX's by the file itself, are known", () => {
  const model = modelOf({
    nodes: [
      node("ConstantOfShape", ["missing"], "zeros"),
      node("Cast", ["zeros"], "rest", { to: ["int", 7] }),
      node("Concat", ["pads", "rest"], "all", { axis: ["int", 0] }),
      node("Reshape", ["all", "pairs"], "table"),
      node("Slice", ["table", "last", "first", "zero", "last"], "turned"),
      node("Transpose", ["turned"], "columns", { perm: ["ints", [1, 0]] }),
      node("Reshape", ["columns", "last"], "ordered"),
      node("Pad", ["x", "ordered"], "p", { mode: ["string", "reflect"] }),
      node("MatMul", ["p", "w"], "y"),
    ],
    initializers: [
      integers("missing", [2]),
      integers("pads", [1, 2]),
      integers("pairs", [-1, 2]),
      integers("last", [-1]),
      integers("first", [-(2 ** 31)]),
      integers("zero", [0]),
      floats("w", [9, 3], Array(27).fill(1)),
    ],
  });
  assert.equal(trainingGraph(model, options).classes, 3);
});

test("sizes that a file computes in float32 are rounded as the runtime does", () => {
  const model = modelOf({
    inputs: [value("x", ["batch", 1, 6])],
    nodes: [
      constant(floats("", [2], [1, 1]), "ones"),
      node("Shape", ["x"], "shape"),
      node("Slice", ["shape", "two", "three"], "length"),
      node("Cast", ["length"], "float", { to: ["int", 1] }),
      node("Mul", ["float", "factor"], "longer"),
      node("Floor", ["longer"], "whole"),
      node("Div", ["whole", "float"], "scale"),
      node("Concat", ["ones", "scale"], "scales", { axis: ["int", 0] }),
      node("Resize", ["x", "", "scales"], "r", { mode: ["string", "linear"] }),
      node("Flatten", ["r"], "flat"),
      node("MatMul", ["flat", "w"], "y"),
    ],
    initializers: [
      integers("two", [2]),
      integers("three", [3]),
      floats("factor", [], [1.7]),
      floats("w", [10, 3], Array(30).fill(1)),
    ],
  });
  assert.equal(trainingGraph(model, options).classes, 3);
});

test("a slice to the size that only the run knows is the whole axis", () => {
  const model = modelOf({
    nodes: [
      node("Shape", ["x"], "ends"),
      node("Slice", ["x", "starts", "ends", "axes"], "same"),
      node("Add", ["x", "same"], "twice"),
      node("MatMul", ["twice", "w"], "y"),
    ],
    initializers: [
      integers("starts", [0, 0]),
      integers("axes", [0, 1]),
      floats("w", [6, 3], Array(18).fill(1)),
    ],
  });
  assert.equal(trainingGraph(model, options).classes, 3);
});

test("of a branch on a size that is known only the one taken is read", () => {
  const squeezed = branch(
    "then_branch",
    [node("Squeeze", ["x", "one"], "s"), node("Dropout", ["s"], "d")],
    "d",
  );
  const other = branch("else_branch", [node("NonMaxSuppression", ["x"], "n")], "n");
  const choice = {
    ...node("If", ["is_one"], "chosen"),
    attribute: [squeezed, other],
  };
  const compile = (channels: number) =>
    trainingGraph(
      modelOf({
        inputs: [value("x", ["batch", channels, 6])],
        nodes: [
          node("Shape", ["x"], "shape"),
          node("Gather", ["shape", "one"], "channels"),
          node("Equal", ["channels", "one"], "is_one"),
          choice,
          node("MatMul", ["chosen", "w"], "y"),
        ],
        initializers: [integers("one", [1]), floats("w", [6, 3], Array(18).fill(1))],
      }),
      options,
    );
  assert.equal(compile(1).classes, 3);
  assert.ok(compile(1).isRandom, "the dropout in it leaves out");
  assert.throws(() => compile(2), /no gradient rule for the operator NonMaxSuppression/);
});
