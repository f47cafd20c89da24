import { add, div, mul, square } from "../arithmetic.ts";
import type { CompositionTable } from "../composition.ts";
import { checkConstantSize } from "../constant-size.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { constantInput, type Flag, mismatch, type None, TypeMismatch, type Value } from "../operator.ts";
import type { Unary } from "../operators/elementwise.ts";

interface Variadic {
  readonly inputs: readonly [first: Value, ...rest: Value[]];
  readonly attributes: None;
}

export interface ActivationCompositions {
  Celu: Unary<{ alpha?: number }>;
  Gelu: Unary<{ approximate?: string }>;
  HardSwish: Unary;
  Max: Variadic;
  Mean: Variadic;
  Min: Variadic;
  Mish: Unary;
  Softsign: Unary;
  Sum: Variadic;
  ThresholdedRelu: Unary<{ alpha?: number }>;
  Trilu: { inputs: readonly [x: Value, diagonal?: Value]; attributes: { upper?: Flag } };
}

const unary = { arity: [1, 1], attributes: {} } as const;
const variadic = { arity: [1, 1_024], attributes: {} } as const;

export const activationCompositions: CompositionTable<ActivationCompositions> = {
  // y = x or α(e^(x/α) - 1), which is α Elu(x/α)
  Celu: {
    arity: [1, 1],
    attributes: { alpha: "float" },
    compose: (g, [x], { alpha = 1 }) => mul(g, g.node("Elu", [div(g, x, alpha)], {}), alpha),
  },

  // y = x Φ(x), or its approximation by tanh (Hendrycks and Gimpel 2016)
  Gelu: {
    arity: [1, 1],
    attributes: { approximate: "string" },
    compose: (g, [x], { approximate = "none" }) => {
      if (approximate !== "none" && approximate !== "tanh") {
        throw new TypeMismatch(`the approximation "${approximate}" is not known`);
      }
      const [erf, tanh] = [Math.SQRT1_2, Math.sqrt(2 / Math.PI)];
      const cubic = (): Value => add(g, x, mul(g, mul(g, x, square(g, x)), 0.044715));
      const twice =
        approximate === "tanh"
          ? g.node("Tanh", [mul(g, cubic(), tanh)], {})
          : g.node("Erf", [mul(g, x, erf)], {});
      return mul(g, mul(g, x, 0.5), add(g, twice, 1));
    },
  },

  // y = x min(max(x/6 + 1/2, 0), 1)
  HardSwish: {
    ...unary,
    compose: (g, [x]) => mul(g, x, g.node("HardSigmoid", [x], { alpha: 1 / 6, beta: 0.5 })),
  },

  Max: { ...variadic, compose: (g, values) => fold(values, (a, b) => g.node("Max", [a, b], {})) },

  Mean: { ...variadic, compose: (g, values) => div(g, sum(g, values), values.length) },

  Min: { ...variadic, compose: (g, values) => fold(values, (a, b) => g.node("Min", [a, b], {})) },

  // y = x tanh ln(1 + eˣ)
  Mish: {
    ...unary,
    compose: (g, [x]) => mul(g, x, g.node("Tanh", [g.node("Softplus", [x], {})], {})),
  },

  // y = x/(1 + |x|)
  Softsign: { ...unary, compose: (g, [x]) => div(g, x, add(g, g.node("Abs", [x], {}), 1)) },

  Sum: { ...variadic, compose: sum },

  // y = x where x > α, else 0
  ThresholdedRelu: {
    arity: [1, 1],
    attributes: { alpha: "float" },
    compose: (g, [x], { alpha = 1 }) => {
      const above = g.node("Greater", [x, g.scalar(alpha, x.type)], {});
      return g.node("Where", [above, x, g.scalar(0, x.type)], {});
    },
  },

  // y = x above or below a diagonal of its last two axes, else 0
  Trilu: {
    arity: [1, 2],
    attributes: { upper: "int" },
    compose: (g, [x, diagonal], { upper = 1 }) => {
      const [rows, columns] = x.shape.slice(-2);
      const [offset = 0] = diagonal === undefined ? [0] : constantInput(diagonal, "diagonal", g);
      if (typeof rows !== "number" || typeof columns !== "number") {
        throw mismatch("the last two axes have no fixed size", x);
      }
      checkConstantSize(rows * columns);
      const kept = Float32Array.from({ length: rows * columns }, (_, index) => {
        const distance = (index % columns) - Math.floor(index / columns) - offset;
        return (upper ? distance >= 0 : distance <= 0) ? 1 : 0;
      });
      const isKept = g.node("Greater", [g.constant(kept, [rows, columns]), g.scalar(0, "float32")], {});
      return g.node("Where", [isKept, x, g.scalar(0, x.type)], {});
    },
  },
};

function sum(g: GraphBuilder, values: Variadic["inputs"]): Value {
  return fold(values, (a, b) => add(g, a, b));
}

function fold([first, ...rest]: Variadic["inputs"], combine: (a: Value, b: Value) => Value): Value {
  return rest.reduce(combine, first);
}
