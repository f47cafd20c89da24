import { add, cast, div, equal, exp, greater, mul, neg, square, sub } from "../arithmetic.ts";
import { sumTo } from "../gradient-families.ts";
import type { GradientTable } from "../gradient-rule.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import type { ElementwiseSignatures } from "../operators/elementwise.ts";

export const elementwiseGradients: GradientTable<keyof ElementwiseSignatures> = {
  // y = |x|: dx = dy sign x
  Abs: (g, { inputs: [x] }, dy) => [() => mul(g, dy, g.node("Sign", [x], {}))],

  // dx = -dy/√(1 - x²)
  Acos: (g, { inputs: [x] }, dy) => [() => neg(g, div(g, dy, root(g, sub(g, 1, square(g, x)))))],

  // dx = dy/√(x² - 1)
  Acosh: (g, { inputs: [x] }, dy) => [() => div(g, dy, root(g, add(g, square(g, x), -1)))],

  // y = a + b: da = dy, db = dy, summed over what was broadcast
  Add: (g, { inputs: [a, b] }, dy) => [() => sumTo(g, dy, a.shape), () => sumTo(g, dy, b.shape)],

  // dx = dy/√(1 - x²)
  Asin: (g, { inputs: [x] }, dy) => [() => div(g, dy, root(g, sub(g, 1, square(g, x))))],

  // dx = dy/√(1 + x²)
  Asinh: (g, { inputs: [x] }, dy) => [() => div(g, dy, root(g, add(g, square(g, x), 1)))],

  // dx = dy/(1 + x²)
  Atan: (g, { inputs: [x] }, dy) => [() => div(g, dy, add(g, square(g, x), 1))],

  // dx = dy/(1 - x²)
  Atanh: (g, { inputs: [x] }, dy) => [() => div(g, dy, sub(g, 1, square(g, x)))],

  // y = x in another type: dx = dy in x's type
  Cast: (g, { inputs: [x] }, dy) => [x.type.startsWith("float") ? () => cast(g, dy, x.type) : undefined],

  // y = min(max(x, low), high): dx = dy where x was left as it is
  Clip: (g, { inputs: [x], output: y }, dy) => [() => mul(g, dy, equal(g, x, y))],

  // dx = -dy sin x
  Cos: (g, { inputs: [x] }, dy) => [() => neg(g, mul(g, dy, g.node("Sin", [x], {})))],

  // dx = dy sinh x
  Cosh: (g, { inputs: [x] }, dy) => [() => mul(g, dy, g.node("Sinh", [x], {}))],

  // y = a/b: da = dy/b, db = -dy y/b
  Div: (g, { inputs: [a, b], output: y }, dy) => [
    () => sumTo(g, div(g, dy, b), a.shape),
    () => sumTo(g, neg(g, div(g, mul(g, dy, y), b)), b.shape),
  ],

  // y = x or α(eˣ - 1): dx = dy where x > 0, else dy (y + α)
  Elu: (g, { inputs: [x], output: y, attributes: { alpha = 1 } }, dy) => [
    () => mul(g, dy, g.node("Where", [positive(g, x), g.scalar(1, x.type), add(g, y, alpha)], {})),
  ],

  // dx = dy 2/√π e^(-x²)
  Erf: (g, { inputs: [x] }, dy) => [
    () => mul(g, dy, mul(g, exp(g, neg(g, square(g, x))), 2 / Math.sqrt(Math.PI))),
  ],

  // dx = dy y
  Exp: (g, { output: y }, dy) => [() => mul(g, dy, y)],

  // y = min(max(αx + β, 0), 1): dx = α dy where 0 < y < 1
  HardSigmoid: (g, { output: y, attributes: { alpha = 0.2 } }, dy) => [
    () => mul(g, mul(g, dy, steep(g, g.node("Abs", [add(g, y, -0.5)], {}), -1, 0.5)), alpha),
  ],

  Identity: (_, __, dy) => [() => dy],

  // y = x or αx: dx = dy where x > 0, else α dy
  LeakyRelu: (g, { inputs: [x], attributes: { alpha = 0.01 } }, dy) => [
    () => mul(g, dy, g.node("Where", [positive(g, x), g.scalar(1, x.type), g.scalar(alpha, x.type)], {})),
  ],

  // dx = dy/x
  Log: (g, { inputs: [x] }, dy) => [() => div(g, dy, x)],

  // y = max(a, b): dy goes to the larger; half to each where they are equal
  Max: (g, { inputs: [a, b] }, dy) => [
    () => sumTo(g, mul(g, dy, share(g, a, b)), a.shape),
    () => sumTo(g, mul(g, dy, share(g, b, a)), b.shape),
  ],

  // y = min(a, b): dy goes to the smaller; half to each where they are equal
  Min: (g, { inputs: [a, b] }, dy) => [
    () => sumTo(g, mul(g, dy, share(g, b, a)), a.shape),
    () => sumTo(g, mul(g, dy, share(g, a, b)), b.shape),
  ],

  // y = a - qb with a whole q: da = dy, db = -dy q
  Mod: (g, { inputs: [a, b], output: y }, dy) => [
    () => sumTo(g, dy, a.shape),
    () => sumTo(g, mul(g, dy, div(g, sub(g, y, a), b)), b.shape),
  ],

  // y = ab: da = dy b, db = dy a
  Mul: (g, { inputs: [a, b] }, dy) => [
    () => sumTo(g, mul(g, dy, b), a.shape),
    () => sumTo(g, mul(g, dy, a), b.shape),
  ],

  Neg: (g, _, dy) => [() => neg(g, dy)],

  // y = aᵇ: da = dy b aᵇ⁻¹, db = dy y ln a; nothing by a where b is zero, by b where a is
  Pow: (g, { inputs: [a, exponent], output: y }, dy) => {
    const b = cast(g, exponent, a.type);
    return [
      () => {
        const less = add(g, b, -1);
        const power = g.node("Pow", [a, add(g, less, mul(g, equal(g, b, 0), 2))], {});
        return sumTo(g, mul(g, dy, mul(g, b, power)), a.shape);
      },
      exponent.type === a.type
        ? () => {
            const logarithm = g.node("Log", [add(g, a, equal(g, a, 0))], {});
            return sumTo(g, mul(g, dy, mul(g, y, logarithm)), b.shape);
          }
        : undefined,
    ];
  },

  // y = x or slope x: dx = dy where x > 0, else dy slope; dslope = dy x where x ≤ 0
  PRelu: (g, { inputs: [x, slope] }, dy) => [
    () => mul(g, dy, g.node("Where", [positive(g, x), g.scalar(1, x.type), slope], {})),
    () => sumTo(g, mul(g, dy, g.node("Min", [x, g.scalar(0, x.type)], {})), slope.shape),
  ],

  // y = 1/x: dx = -dy y²
  Reciprocal: (g, { output: y }, dy) => [() => neg(g, mul(g, dy, square(g, y)))],

  // y = max(x, 0): dx = dy where y > 0
  Relu: (g, { output: y }, dy) => [
    () => mul(g, dy, y.type === "float32" ? steep(g, y, 1, 0) : greater(g, y, 0)),
  ],

  // y = γx or γα(eˣ - 1): dx = γ dy where x > 0, else dy (y + γα)
  Selu: (g, { inputs: [x], output: y, attributes: { alpha = seluAlpha, gamma = seluGamma } }, dy) => [
    () =>
      mul(g, dy, g.node("Where", [positive(g, x), g.scalar(gamma, x.type), add(g, y, alpha * gamma)], {})),
  ],

  // dx = dy y(1 - y)
  Sigmoid: (g, { output: y }, dy) => [() => mul(g, dy, mul(g, y, sub(g, 1, y)))],

  // dx = dy cos x
  Sin: (g, { inputs: [x] }, dy) => [() => mul(g, dy, g.node("Cos", [x], {}))],

  // dx = dy cosh x
  Sinh: (g, { inputs: [x] }, dy) => [() => mul(g, dy, g.node("Cosh", [x], {}))],

  // y = ln(1 + eˣ): dx = dy σ(x)
  Softplus: (g, { inputs: [x] }, dy) => [() => mul(g, dy, g.node("Sigmoid", [x], {}))],

  // dx = dy/2y
  Sqrt: (g, { output: y }, dy) => [() => div(g, dy, mul(g, y, 2))],

  // y = a - b: da = dy, db = -dy
  Sub: (g, { inputs: [a, b] }, dy) => [() => sumTo(g, dy, a.shape), () => neg(g, sumTo(g, dy, b.shape))],

  // dx = dy (1 + y²)
  Tan: (g, { output: y }, dy) => [() => mul(g, dy, add(g, square(g, y), 1))],

  // dx = dy (1 - y²)
  Tanh: (g, { output: y }, dy) => [() => mul(g, dy, sub(g, 1, square(g, y)))],

  // y = a where the condition holds, else b
  Where: (g, { inputs: [condition, a, b] }, dy) => {
    const zero = g.scalar(0, dy.type);
    return [
      undefined,
      () => sumTo(g, g.node("Where", [condition, dy, zero], {}), a.shape),
      () => sumTo(g, g.node("Where", [condition, zero, dy], {}), b.shape),
    ];
  },
};

function root(g: GraphBuilder, x: Value): Value {
  return g.node("Sqrt", [x], {});
}

function positive(g: GraphBuilder, x: Value): Value {
  return g.node("Greater", [x, g.scalar(0, x.type)], {});
}

/**
 * 1 where sign x + offset > 0, else 0, of float32: a HardSigmoid so steep that nothing is between,
 * one pass instead of the two of Greater and Cast.
 */
function steep(g: GraphBuilder, x: Value, sign: 1 | -1, offset: number): Value {
  return g.node("HardSigmoid", [x], { alpha: sign * steepness, beta: offset * steepness });
}

/** How much of max(a, b) is a: 1, 0, or ½ where they are equal. */
function share(g: GraphBuilder, a: Value, b: Value): Value {
  return mul(g, add(g, greater(g, a, b), sub(g, 1, greater(g, b, a))), 0.5);
}

const steepness = 2 ** 127;
/** Klambauer et al. 2017, "Self-Normalizing Neural Networks", as the standard writes them. */
const seluAlpha = 1.6732631921768188;
const seluGamma = 1.0507010221481323;
