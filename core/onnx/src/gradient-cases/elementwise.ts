import { booleans, type ConstantInput, type GradientCase, type GradientCaseTable } from "../gradient-case.ts";
import type { ElementwiseSignatures } from "../operators/elementwise.ts";
import type { Shape } from "../shape.ts";

type Options = Pick<GradientCase<"Relu">, "type" | "at">;

/** For operators that ONNX Runtime does not have in float64. */
const float: Options = { type: "float32" };

export const elementwiseCases: GradientCaseTable<
  Exclude<keyof ElementwiseSignatures, "Cast" | "Max" | "Min">
> = {
  Abs: [batch({})],
  Acos: [batch({}, { ...float, at: "small" })],
  Acosh: [batch({}, { ...float, at: "large" })],
  Add: [
    {
      name: "same shape",
      inputs: [
        [2, 3],
        [2, 3],
      ],
      attributes: {},
    },
    { name: "bias over a batch", inputs: [["n", 3], [3]], sizes: { n: 4 }, attributes: {} },
    {
      name: "both broadcast",
      inputs: [
        [2, 1, 3],
        [4, 1],
      ],
      attributes: {},
    },
    { name: "scalar", inputs: [[2, 3], []], attributes: {} },
    {
      name: "one for one",
      inputs: [
        [1, 3],
        [1, 1],
      ],
      attributes: {},
    },
    {
      name: "two unknown sizes",
      inputs: [
        ["n", "t", 3],
        [1, 1, 3],
      ],
      sizes: { n: 2, t: 3 },
      attributes: {},
    },
  ],
  Asin: [batch({}, { ...float, at: "small" })],
  Asinh: [batch({}, float)],
  Atan: [batch({}, float)],
  Atanh: [batch({}, { ...float, at: "small" })],
  Clip: [
    { name: "both bounds", inputs: [[7], scalar(-0.5), scalar(0.5)], attributes: {}, type: "float32" },
    { name: "lower bound", inputs: [["n", 7], scalar(0)], sizes: { n: 2 }, attributes: {}, type: "float32" },
    { name: "upper bound", inputs: [[7], undefined, scalar(0)], attributes: {}, type: "float32" },
  ],
  Cos: [batch({})],
  Cosh: [batch({}, float)],
  Div: [...broadcasts({ at: "positive" })],
  Elu: [batch({}, float), batch({ alpha: 0.5 }, float)],
  Erf: [batch({}, float)],
  Exp: [batch({})],
  HardSigmoid: [batch({}, float), batch({ alpha: 2, beta: 0.5 }, { ...float, at: "distinct" })],
  Identity: [batch({})],
  LeakyRelu: [batch({}), batch({ alpha: 0.3 })],
  Log: [batch({}, { at: "positive" })],
  Mod: [
    { name: "a batch", inputs: [["n", 3], [3]], sizes: { n: 2 }, attributes: { fmod: 1 } },
    { name: "numbers", inputs: [[4], []], attributes: { fmod: 1 }, at: "positive" },
  ],
  Mul: [...broadcasts({})],
  Neg: [batch({})],
  Pow: [
    ...broadcasts({ at: "positive" }),
    {
      name: "of zeros",
      inputs: [[3, 3], { type: "float64", values: [2, 0, 1], shape: [3] }],
      attributes: {},
      at: "zeros",
    },
  ],
  PRelu: [
    { name: "one slope", inputs: [["n", 3, 4], [1]], sizes: { n: 2 }, attributes: {} },
    {
      name: "a slope for each channel",
      inputs: [
        ["n", 3, 4],
        [3, 1],
      ],
      sizes: { n: 2 },
      attributes: {},
    },
  ],
  Reciprocal: [batch({}, { at: "positive" })],
  Relu: [batch({}), batch({}, float)],
  Selu: [batch({}, float), batch({ alpha: 1.5, gamma: 0.5 }, float)],
  Sigmoid: [batch({})],
  Sin: [batch({})],
  Sinh: [batch({}, float)],
  Softplus: [batch({}, float)],
  Sqrt: [batch({}, { at: "positive" })],
  Sub: [...broadcasts({})],
  Tan: [batch({}, { ...float, at: "small" })],
  Tanh: [batch({})],
  Where: [
    { name: "same shape", inputs: [booleans([1, 0, 0, 1]), [4], [4]], attributes: {} },
    { name: "all broadcast", inputs: [booleans([1, 0], [2, 1]), [3, 1, 1], [4]], attributes: {} },
  ],
};

function batch<Attributes extends object>(
  attributes: Attributes,
  options: Options = {},
): {
  readonly name: string;
  readonly inputs: readonly [Shape];
  readonly sizes: { readonly n: number };
  readonly attributes: Attributes;
} & Options {
  const named = Object.entries(attributes).map(([name, value]) => `, ${name} ${value}`);
  return { name: `a batch${named.join("")}`, inputs: [["n", 7]], sizes: { n: 3 }, attributes, ...options };
}

function broadcasts(options: Options): readonly [Broadcast, Broadcast, Broadcast] {
  return [
    {
      name: "same shape",
      inputs: [
        [2, 3],
        [2, 3],
      ],
      attributes: {},
      ...options,
    },
    { name: "a batch and a row", inputs: [["n", 3], [3]], sizes: { n: 4 }, attributes: {}, ...options },
    {
      name: "both broadcast",
      inputs: [
        [2, 1, 3],
        [4, 1],
      ],
      attributes: {},
      ...options,
    },
  ];
}

type Broadcast = GradientCase<"Mul">;

function scalar(value: number): ConstantInput {
  return { type: "float32", values: [value], shape: [] };
}
