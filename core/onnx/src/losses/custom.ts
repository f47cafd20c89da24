import { SelvedgeError } from "@selvedge/protocol";
import { mul } from "../arithmetic.ts";
import { expandLike, reshapeLike, sumAll } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import { isStatic } from "../shape.ts";
import { type BatchLoss, type LossRule, lengthOf, perExample } from "./loss-rule.ts";

export interface CustomLossOptions {
  /** Name of the model's output that is the loss. */
  readonly output: string;
}

/**
 * What an output of the model itself says, averaged over its numbers [batch, …]; of a
 * scalar, which is taken for the mean over a batch, over the examples.
 *
 * @throws SelvedgeError `invalid_argument` where no output is named
 */
export function customLoss({ output }: CustomLossOptions): LossRule {
  if (typeof output !== "string" || output === "") {
    throw new SelvedgeError("invalid_argument", "it is not said which output of the model is the loss", {
      fix: "name the output",
    });
  }
  return {
    target: () => {
      throw new TypeError("a model with a loss of its own says what it learns");
    },
    emit: (g, loss, target) => (isStatic(loss.shape) ? ofMean(g, loss, target) : ofEach(g, loss)),
  };
}

function ofMean(g: GraphBuilder, loss: Value, target: Value): BatchLoss {
  const count = lengthOf(g, target, loss);
  return {
    sum: mul(g, loss, count),
    weight: count,
    gradient: (factor) => reshapeLike(g, mul(g, factor, count), loss),
  };
}

function ofEach(g: GraphBuilder, loss: Value): BatchLoss {
  return {
    sum: sumAll(g, loss),
    weight: lengthOf(g, loss, loss, perExample(loss)),
    gradient: (factor) => expandLike(g, factor, loss),
  };
}
