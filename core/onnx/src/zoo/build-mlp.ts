import type { OnnxModel } from "../model.ts";
import { TypeMismatch } from "../operator.ts";
import { buildNetwork, type NetworkOptions } from "./build-network.ts";
import { sizeAt } from "./layers.ts";

export interface MlpOptions extends NetworkOptions {
  /** Units of each hidden layer. */
  readonly hidden: readonly number[];
}

/**
 * A multilayer perceptron: fully connected layers with ReLU in between. An
 * input of more than one dimension is flattened. Hidden layers of [200, 200] make
 * the 2NN of McMahan et al. 2017 ("Communication-Efficient Learning …"): 199,210
 * parameters for MNIST.
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildMlp({ hidden, ...options }: MlpOptions): OnnxModel {
  const fix = "give positive whole numbers";
  return buildNetwork({ name: "mlp", initialisation: "he", fix, ...options }, (l, input) => {
    if (options.inputShape.length === 0) throw new TypeMismatch("there is no input");
    let layer = options.inputShape.length > 1 ? l.flatten(input) : input;
    // A column for each unit and in this order, as since the first version: a seed gives the same bytes for ever.
    for (const [index, units] of [...hidden, options.classes].entries()) {
      const inputs = sizeAt(layer, 1);
      const weight = l.weight([inputs, units], `fc${index + 1}.weight`, { inputs, outputs: units });
      const bias = l.filled(0, [units], `fc${index + 1}.bias`);
      if (index > 0) layer = l.relu(layer);
      layer = l.g.node("Gemm", [layer, weight, bias], {});
    }
    return layer;
  });
}
