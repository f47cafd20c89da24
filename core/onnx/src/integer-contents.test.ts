import assert from "node:assert/strict";
import { test } from "node:test";
import { parseModel, serializeModel } from "./model.ts";
import { floats, integers, modelOf, node } from "./models.fixture.ts";
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
