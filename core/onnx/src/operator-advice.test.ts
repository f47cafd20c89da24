import assert from "node:assert/strict";
import { test } from "node:test";
import { parseModel, serializeModel } from "./model.ts";
import { branch, floats, modelOf, node } from "./models.fixture.ts";
import { type TrainingOptions, trainingGraph } from "./training-graph.ts";

const options: TrainingOptions = {
  loss: "softmax-cross-entropy",
  optimizer: "sgd",
  inputType: "float32",
  scale: 1,
};

test("what has no gradient is refused with its node, its operator and what would work", () => {
  const advised: readonly (readonly [op: string, fix: RegExp])[] = [
    ["QuantizeLinear", /before it is quantized/],
    ["QLinearMatMul", /before it is quantized/],
    ["NonZero", /multiply those that do not count by 0/],
    ["Unique", /a size that the data decides/],
    ["SequenceConstruct", /torch\.stack/],
    ["RandomNormalLike", /part of the input/],
    ["SoftmaxCrossEntropyLoss", /without its loss/],
    ["MaxUnpool", /ConvTranspose or Resize/],
    ["Erfc", /approximate=True/],
    ["StringNormalizer", /before the model/],
    ["Det", /docs\/reference\/models\.md lists/],
  ];
  for (const [op, fix] of advised) {
    const refusal = { code: "unsupported", at: `node "y/${op}" (${op})`, fix };
    assert.throws(() => compiled(node(op, ["h"], "y")), { ...refusal, message: new RegExp(op) });
  }
});

test("of a use that has no gradient the same is said", () => {
  const taken = branch("then_branch", [node("Neg", ["h"], "t")], "t");
  const chosen = { ...node("If", ["isHigh"], "y"), attribute: [taken] };
  const condition = [
    node("ReduceMax", ["h"], "most", { keepdims: ["int", 0] }),
    node("Cast", ["most"], "isHigh", { to: ["int", 9] }),
  ];
  const refusal = { code: "unsupported", at: 'node "y/If" (If)', fix: /torch\.where/ };
  assert.throws(() => compiled(...condition, chosen), refusal);
});

test("operators of others than the standard are refused with where they come from", () => {
  const fixes: readonly (readonly [domain: string, fix: RegExp])[] = [
    ["com.microsoft", /ONNX Runtime's optimizer/],
    ["com.microsoft.nchwc", /ONNX Runtime's optimizer/],
    ["org.pytorch.aten", /function of PyTorch/],
    ["com.example", /standard ONNX operators only/],
  ];
  for (const [domain, fix] of fixes) {
    const at = 'node "y/Gelu" (Gelu)';
    assert.throws(() => compiled({ ...node("Gelu", ["h"], "y"), domain }), { code: "unsupported", at, fix });
  }
});

function compiled(...nodes: Parameters<typeof modelOf>[0]["nodes"]): void {
  const model = modelOf({
    nodes: [node("MatMul", ["x", "w"], "h"), ...nodes],
    initializers: [floats("w", [6, 3], Array(18).fill(1))],
  });
  trainingGraph(parseModel(serializeModel(model)), options);
}
