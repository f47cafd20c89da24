import { SelvedgeError } from "@selvedge/protocol";
import { cast, mul, square, sub } from "../arithmetic.ts";
import { sumAll, unsqueeze } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import { type LossRule, lengthOf, numbersLike, perExample } from "./loss-rule.ts";

export interface HuberOptions {
  /** Where the square turns into a line; 1 when absent. */
  readonly delta?: number;
}

// Of d = y - t, averaged over all numbers of all examples.

/** l = d², dy = 2d */
export function meanSquaredError(): LossRule {
  return distance((g, d) => ({ value: square(g, d), slope: () => mul(g, d, 2) }));
}

/** l = |d|, dy = sign d */
export function meanAbsoluteError(): LossRule {
  return distance((g, d) => ({ value: g.node("Abs", [d], {}), slope: () => g.node("Sign", [d], {}) }));
}

/** l = d²/2 where |d| <= δ, else δ(|d| - δ/2): with c = d bounded to ±δ, l = c(d - c/2), dy = c */
export function huber({ delta = 1 }: HuberOptions): LossRule {
  if (!(delta > 0)) {
    throw new SelvedgeError("invalid_argument", `Huber's delta is ${delta}`, {
      fix: "give a number above 0",
    });
  }
  return distance((g, d) => {
    const c = g.node("Clip", [d, g.scalar(-delta, d.type), g.scalar(delta, d.type)], {});
    return { value: mul(g, c, sub(g, d, mul(g, c, 0.5))), slope: () => c };
  });
}

function distance(
  of: (g: GraphBuilder, difference: Value) => { readonly value: Value; slope(): Value },
): LossRule {
  return {
    target: numbersLike,
    emit: (g, output, target) => {
      const difference = sub(g, output, target);
      const { value, slope } = of(g, difference);
      return {
        sum: sumAll(g, value),
        weight: lengthOf(g, output, output, perExample(output)),
        errors: () => errorSums(g, difference, target),
        gradient: (factor) => mul(g, slope(), factor),
      };
    },
  };
}

/** In float64: how much the targets vary is the small difference of large sums. */
function errorSums(g: GraphBuilder, difference: Value, target: Value): Value {
  const [d, t] = [cast(g, difference, "float64"), cast(g, target, "float64")];
  const sum = (x: Value): Value => unsqueeze(g, sumAll(g, x), 0);
  const sums = [sum(g.node("Abs", [d], {})), sum(square(g, d)), sum(t), sum(square(g, t))] as const;
  return g.node("Concat", sums, { axis: 0 });
}
