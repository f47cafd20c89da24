import { div, exp, mul, square, sub } from "../arithmetic.ts";
import { sumAll, sumAlong } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import { type LossRule, lengthOf, numbersLike, perExample, unfit } from "./loss-rule.ts";

// Of vectors along the last axis, averaged over them.

/**
 * Of the probabilities t from those that raw scores z stand for:
 * l = Σ t (ln t - ln softmax(z)), dz = softmax(z) Σt - t
 */
export function klDivergence(): LossRule {
  return {
    activation: { op: "Softmax", axis: -1 },
    target: (output) => vectors("kl-divergence", output),
    emit: (g, scores, target) => {
      const logProbabilities = g.node("LogSoftmax", [scores], { axis: -1 });
      // t ln t is 0 where t is 0.
      const positive = g.node("Max", [target, g.scalar(tiny, target.type)], {});
      const difference = sub(g, g.node("Log", [positive], {}), logProbabilities);
      return {
        sum: notNegative(g, sumAll(g, mul(g, target, difference))),
        weight: lengthOf(g, scores, scores, perExample(scores) / lastOf(scores)),
        gradient: (factor) => {
          const expected = mul(g, exp(g, logProbabilities), sumAlong(g, target, -1));
          return mul(g, sub(g, expected, target), factor);
        },
      };
    },
  };
}

/** l = 1 - c, c = y·t/(|y||t|), dy = c y/|y|² - t/(|y||t|); lengths below 1e-8 count as that. */
export function cosine(): LossRule {
  return {
    target: (output) => vectors("cosine", output),
    emit: (g, output, target) => {
      const [length, lengthOfTarget] = [lengthLast(g, output), lengthLast(g, target)];
      const both = mul(g, length, lengthOfTarget);
      const c = div(g, sumAlong(g, mul(g, output, target), -1), both);
      return {
        sum: notNegative(g, sumAll(g, sub(g, 1, c))),
        weight: lengthOf(g, output, output, perExample(output) / lastOf(output)),
        gradient: (factor) => {
          const along = mul(g, output, div(g, c, square(g, length)));
          return mul(g, sub(g, along, div(g, target, both)), factor);
        },
      };
    },
  };
}

function vectors(loss: string, output: readonly number[]): ReturnType<typeof numbersLike> {
  if (output.length === 0) throw unfit(loss, output, "vectors, [batch, …, size]");
  return numbersLike(output);
}

/** A sum is below 0 by rounding only. */
function notNegative(g: GraphBuilder, sum: Value): Value {
  return g.node("Max", [sum, g.scalar(0, sum.type)], {});
}

function lengthLast(g: GraphBuilder, x: Value): Value {
  const length = g.node("Sqrt", [sumAlong(g, square(g, x), -1)], {});
  return g.node("Max", [length, g.scalar(1e-8, x.type)], {});
}

function lastOf(x: Value): number {
  return Number(x.shape.at(-1));
}

const tiny = 1e-30;
