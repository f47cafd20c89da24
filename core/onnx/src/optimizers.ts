import type { GraphBuilder } from "./graph-builder.ts";
import type { Value } from "./operator.ts";

export type OptimizerName = "sgd";

export interface OptimizerRule {
  /**
   * What the loss is multiplied by before it is differentiated. A rule that is
   * linear in the gradient lets the learning rate in here, on the few values
   * of the scores' gradient, instead of multiplying every parameter's.
   */
  lossFactor(graph: GraphBuilder, learningRate: Value): Value;
  /** The parameter after one step, given the gradient of the loss so multiplied. */
  step(graph: GraphBuilder, parameter: Value, gradient: Value): Value;
}

export const optimizers: { readonly [Name in OptimizerName]: OptimizerRule } = {
  // w' = w - ηdw; η is in dw already
  sgd: {
    lossFactor: (_, learningRate) => learningRate,
    step: (g, parameter, gradient) => subtract(g, parameter, gradient),
  },
};

/** w - d; where d is a bare matrix product, one Gemm does both and the product is never stored. */
function subtract(g: GraphBuilder, parameter: Value, gradient: Value): Value {
  const producer = g.producerOf(gradient);
  if (producer?.op !== "Gemm" || producer.inputs.length > 2) return g.node("Sub", [parameter, gradient], {});
  const [a, b] = producer.inputs;
  return g.node("Gemm", [a, b, parameter], {
    ...producer.attributes,
    alpha: -(producer.attributes.alpha ?? 1),
  });
}
