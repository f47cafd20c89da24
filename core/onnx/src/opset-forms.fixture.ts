import type { OnnxModel } from "./model.ts";
import { floats, integers, modelOf, node, value } from "./models.fixture.ts";
import {
  grouped,
  moved,
  numbers,
  type OpsetRow,
  padded,
  perChannel,
  reduced,
  reduction,
  resized,
  same,
  scalars,
  split,
  unchanged,
} from "./opset-rows.fixture.ts";
import { sizeOf } from "./shape.ts";

/** What operator sets write in different ways: all forms give the same, and train the same. */
export interface OpsetForms {
  readonly name: string;
  /** Of one example. */
  readonly inputShape: readonly number[];
  /** From "x" to "y", through the parameter "w", which is multiplied with x. */
  readonly models: readonly { readonly opset: number; readonly model: OnnxModel }[];
}

export function opsetForms(): OpsetForms[] {
  return rows.map(({ name, shape = [4, 3, 6], output = shape, forms }) => ({
    name,
    inputShape: shape,
    models: forms.map(({ opset, nodes, initializers = [] }) => ({
      opset,
      model: modelOf({
        opset,
        inputs: [value("x", ["batch", ...shape])],
        outputs: [value("y", ["batch", ...output])],
        nodes: [node("Mul", ["x", "w"], "m"), ...nodes, node("Identity", ["z"], "y")],
        initializers: [floats("w", shape, numbers(sizeOf(shape))), ...initializers],
      }),
    })),
  }));
}

const rows: readonly OpsetRow[] = [
  ...["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"].map((kind) =>
    reduction(`Reduce${kind}`),
  ),
  { name: "ReduceSum", output: [3, 6], forms: [13, 18, 23].map((opset) => reduced("ReduceSum", opset)) },
  {
    name: "ReduceMean of no axes, nothing done",
    forms: [18, 23].map((opset) => same(opset, "ReduceMean", { noop_with_empty_axes: ["int", 1] })),
  },
  moved("Squeeze", [4, 1, 3], [4, 3], [2]),
  moved("Unsqueeze", [4, 3], [4, 1, 3, 1], [2, 4]),
  {
    name: "Split evenly",
    forms: [
      split(13, ["m"], {}),
      split(18, ["m"], { num_outputs: ["int", 2] }),
      split(23, ["m"], { num_outputs: ["int", 2] }),
      split(13, ["m", "parts"], {}, [integers("parts", [2, 2])]),
      split(23, ["m", "parts"], {}, [integers("parts", [2, 2])]),
    ],
  },
  {
    name: "Pad",
    output: [4, 4, 8],
    forms: [
      padded(13, ["m", "pads"], [0, 0, 1, 0, 0, 0, 0, 2]),
      padded(18, ["m", "pads", "", "axes"], [1, 0, 0, 2]),
      padded(23, ["m", "pads", "", "axes"], [1, 0, 0, 2]),
    ],
  },
  {
    name: "Resize",
    output: [4, 6, 9],
    forms: [
      resized(13, [1, 1, 2, 1.5], {}),
      resized(18, [2, 1.5], { axes: ["ints", [2, 3]] }),
      resized(19, [1, 1, 2, 1.5], {}),
      resized(23, [2, 1.5], { axes: ["ints", [-2, -1]] }),
    ],
  },
  ...["nearest", "linear", "cubic"].map((mode) => ({
    name: `Resize, ${mode}, to sizes`,
    output: [4, 5, 7],
    forms: [
      {
        opset: 13,
        nodes: [
          node("Shape", ["m"], "whole"),
          node("Slice", ["whole", "zero", "two"], "first"),
          node("Concat", ["first", "sizes"], "all", { axis: ["int", 0] }),
          node("Resize", ["m", "", "", "all"], "z", { mode: ["string", mode] }),
        ],
        initializers: [integers("sizes", [5, 7]), integers("zero", [0]), integers("two", [2])],
      },
      ...[18, 19, 23].map((opset) => ({
        opset,
        nodes: [
          node("Resize", ["m", "", "", "sizes"], "z", { mode: ["string", mode], axes: ["ints", [2, 3]] }),
        ],
        initializers: [integers("sizes", [5, 7])],
      })),
    ],
  })),
  {
    name: "BatchNormalization",
    forms: [13, 14, 15, 23].map((opset) => ({
      opset,
      nodes: [node("BatchNormalization", ["m", "scale", "bias", "mean", "variance"], "z")],
      initializers: [...perChannel(4, "scale", "bias", "mean"), floats("variance", [4], [1, 0.5, 2, 1.5])],
    })),
  },
  {
    name: "GroupNormalization, its scale of groups or of channels",
    forms: [
      grouped(18, ([a = 1, b = 1]) => [a, b]),
      grouped(21, ([a = 1, b = 1]) => [a, a, b, b]),
      grouped(23, ([a = 1, b = 1]) => [a, a, b, b]),
    ],
  },
  {
    name: "LayerNormalization",
    forms: [17, 23].map((opset) => ({
      opset,
      nodes: [node("LayerNormalization", ["m", "scale", "bias"], "z")],
      initializers: perChannel(6, "scale", "bias"),
    })),
  },
  {
    name: "RMSNormalization",
    forms: [
      {
        opset: 13,
        nodes: [
          node("Mul", ["m", "m"], "square"),
          node("ReduceMean", ["square"], "mean", { axes: ["ints", [-1]] }),
          node("Add", ["mean", "epsilon"], "more"),
          node("Sqrt", ["more"], "root"),
          node("Div", ["m", "root"], "normal"),
          node("Mul", ["normal", "scale"], "z"),
        ],
        initializers: [floats("epsilon", [], [1e-5]), ...perChannel(6, "scale")],
      },
      {
        opset: 23,
        nodes: [node("RMSNormalization", ["m", "scale"], "z")],
        initializers: perChannel(6, "scale"),
      },
    ],
  },
  {
    name: "Gelu",
    forms: [
      {
        opset: 13,
        nodes: [
          node("Div", ["m", "root"], "scaled"),
          node("Erf", ["scaled"], "erf"),
          node("Add", ["erf", "one"], "more"),
          node("Mul", ["m", "more"], "twice"),
          node("Mul", ["twice", "half"], "z"),
        ],
        initializers: scalars({ root: Math.SQRT2, one: 1, half: 0.5 }),
      },
      ...[20, 23].map((opset) => same(opset, "Gelu")),
    ],
  },
  {
    name: "HardSwish",
    forms: [
      {
        opset: 13,
        nodes: [
          node("HardSigmoid", ["m"], "gate", { alpha: ["float", 1 / 6], beta: ["float", 0.5] }),
          node("Mul", ["m", "gate"], "z"),
        ],
      },
      ...[14, 22, 23].map((opset) => same(opset, "HardSwish")),
    ],
  },
  {
    name: "Mish",
    forms: [
      {
        opset: 13,
        nodes: [
          node("Softplus", ["m"], "soft"),
          node("Tanh", ["soft"], "gate"),
          node("Mul", ["m", "gate"], "z"),
        ],
      },
      ...[18, 22, 23].map((opset) => same(opset, "Mish")),
    ],
  },
  {
    name: "AveragePool",
    output: [4, 2, 4],
    forms: [
      ...[13, 19, 22, 23].map((opset) => same(opset, "AveragePool", { kernel_shape: ["ints", [2, 3]] })),
      ...[19, 23].map((opset) =>
        same(opset, "AveragePool", { kernel_shape: ["ints", [2, 3]], dilations: ["ints", [1, 1]] }),
      ),
    ],
  },
  {
    name: "Cast there and back",
    forms: [13, 19, 21, 23].map((opset) => ({
      opset,
      nodes: [
        node("Cast", ["m"], "double", { to: ["int", 11], ...(opset >= 19 && { saturate: ["int", 1] }) }),
        node("Cast", ["double"], "z", { to: ["int", 1] }),
      ],
    })),
  },
  {
    name: "Reshape",
    output: [12, 6],
    forms: [
      {
        opset: 13,
        nodes: [node("Reshape", ["m", "shape"], "z")],
        initializers: [integers("shape", [0, -1, 6])],
      },
      ...[14, 23].map((opset) => ({
        opset,
        nodes: [node("Reshape", ["m", "shape"], "z", { allowzero: ["int", 1] })],
        initializers: [integers("shape", [-1, 12, 6])],
      })),
    ],
  },
  {
    name: "Shape, all of it or a part",
    output: [72],
    forms: [
      {
        opset: 13,
        nodes: [
          node("Shape", ["m"], "whole"),
          node("Slice", ["whole", "zero", "one"], "first"),
          node("Concat", ["first", "rest"], "shape", { axis: ["int", 0] }),
          node("Reshape", ["m", "shape"], "z"),
        ],
        initializers: [integers("zero", [0]), integers("one", [1]), integers("rest", [-1])],
      },
      ...[15, 23].map((opset) => ({
        opset,
        nodes: [
          node("Shape", ["m"], "first", { end: ["int", 1] }),
          node("Concat", ["first", "rest"], "shape", { axis: ["int", 0] }),
          node("Reshape", ["m", "shape"], "z"),
        ],
        initializers: [integers("rest", [-1])],
      })),
    ],
  },
  unchanged("Clip", {}, scalars({ low: -0.5, high: 0.7 })),
  unchanged("DepthToSpace", { blocksize: ["int", 2] }, [], [1, 6, 12]),
  unchanged("SpaceToDepth", { blocksize: ["int", 3] }, [], [36, 1, 2]),
  unchanged("Softmax", { axis: ["int", 2] }),
  unchanged("LogSoftmax", {}),
  unchanged("LpNormalization", { axis: ["int", 1], p: ["int", 1] }),
  unchanged("MaxPool", { kernel_shape: ["ints", [2, 2]], strides: ["ints", [1, 2]] }, [], [4, 2, 3]),
  unchanged("GlobalAveragePool", {}, [], [4, 1, 1]),
  unchanged("GlobalMaxPool", {}, [], [4, 1, 1]),
  unchanged("InstanceNormalization", {}, perChannel(4, "scale", "bias")),
  unchanged(
    "Conv",
    {},
    [floats("kernel", [2, 4, 2, 2], numbers(32)), floats("offset", [2], [0.1, 0.2])],
    [2, 2, 5],
  ),
  unchanged(
    "ConvTranspose",
    { strides: ["ints", [2, 1]] },
    [floats("kernel", [4, 2, 2, 2], numbers(32))],
    [2, 6, 7],
  ),
  unchanged("PRelu", {}, [floats("slope", [4, 1, 1], [0.1, 0.2, 0.3, 0.4])]),
  unchanged("LeakyRelu", { alpha: ["float", 0.2] }),
  unchanged("CumSum", { reverse: ["int", 1] }, [integers("axis", [2])]),
  unchanged("Flatten", { axis: ["int", 1] }, [], [72]),
  unchanged("Transpose", { perm: ["ints", [0, 2, 3, 1]] }, [], [3, 6, 4]),
  unchanged("Pow", {}, scalars({ two: 2 })),
  unchanged("Dropout", {}),
  unchanged("Trilu", { upper: ["int", 0] }, [], undefined, 14),
  ...["Add", "Sub", "Mul", "Div", "Max", "Min"].map((op) => unchanged(op, {}, scalars({ other: 0.7 }))),
  ...["Abs", "Asinh", "Atan", "Celu", "Cos", "Cosh", "Elu", "Exp", "Erf", "HardSigmoid", "Identity"].map(
    (op) => unchanged(op, {}),
  ),
  ...["Neg", "Relu", "Selu", "Sigmoid", "Sin", "Sinh", "Softplus", "Softsign", "Tan", "Tanh"].map((op) =>
    unchanged(op, {}),
  ),
];
