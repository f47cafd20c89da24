import assert from "node:assert/strict";
import { test } from "node:test";
import { compositions, isComposed } from "./compositions.ts";
import { gradientCases } from "./gradient-cases.ts";
import { isOperator, operators } from "./operators.ts";

test("a gradient goes through every operator that is promised", () => {
  const missing = promised.filter((name) => !Object.hasOwn(gradientCases, name));
  assert.deepEqual(missing, []);
});

test("a case sets each attribute of each operator, but for those that change nothing", () => {
  const unset = Object.entries(gradientCases).flatMap(([op, cases]) => {
    const set = new Set<string>(cases.flatMap(({ attributes }) => Object.keys(attributes)));
    return attributesOf(op)
      .filter((name) => !set.has(name))
      .map((name) => `${op} ${name}`);
  });
  assert.deepEqual(unset.sort(), [...withoutEffect].sort());
});

function attributesOf(op: string): readonly string[] {
  if (isComposed(op)) return Object.keys(compositions[op].attributes);
  return isOperator(op) ? Object.keys(operators[op].attributes) : [];
}

/** Those of the plan for the training engine; shapes and constants, which are folded, have tests of their own. */
const promised = [
  ...[
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Neg",
    "Abs",
    "Pow",
    "Sqrt",
    "Reciprocal",
    "Exp",
    "Log",
    "Erf",
    "Sin",
    "Cos",
  ],
  ...["Tanh", "Sigmoid", "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Gelu", "Softplus", "Softsign"],
  ...["HardSigmoid", "HardSwish", "Mish", "Clip", "Min", "Max", "Where", "MatMul", "Gemm", "Einsum", "Conv"],
  ...["ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization"],
  ...["LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization"],
  ...["LpNormalization", "Softmax", "LogSoftmax", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze"],
  ...[
    "Concat",
    "Split",
    "Slice",
    "Gather",
    "GatherElements",
    "GatherND",
    "ScatterND",
    "Expand",
    "Tile",
    "Pad",
  ],
  ...["Resize", "DepthToSpace", "SpaceToDepth", "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"],
  ...[
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSumExp",
    "ReduceSumSquare",
    "CumSum",
    "Cast",
    "Dropout",
  ],
  ...["LSTM", "GRU", "RNN", "Identity", "Trilu"],
];

const withoutEffect = [
  // Whether it learns is what the graph is for.
  "BatchNormalization training_mode",
  // Of 8-bit floats.
  "CastLike saturate",
  // What is left out follows from the seed of the training.
  "Dropout seed",
  // All arithmetic is float32.
  "GroupNormalization stash_type",
  "LayerNormalization stash_type",
  "RMSNormalization stash_type",
  // Only the one value is read.
  "LSTM input_forget",
  "Resize extrapolation_value",
  "Resize keep_aspect_ratio_policy",
  // Of the indices, which no one reads.
  "MaxPool storage_order",
];
