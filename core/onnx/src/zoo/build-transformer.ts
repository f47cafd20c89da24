import type { OnnxModel } from "../model.ts";
import { TypeMismatch } from "../operator.ts";
import { buildNetwork, type NetworkOptions } from "./build-network.ts";
import { transformerBlock } from "./transformer-block.ts";

/**
 * A transformer encoder with a classification head, for sequences of numbers
 * [steps, features]: windows of sensor readings, patches of an image. Each step
 * is projected to 32 values and told where it stands; two layers of four heads;
 * the mean over the steps is classified.
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildTransformer(options: NetworkOptions): OnnxModel {
  const fix = "give the steps of a sequence and the features of a step";
  return buildNetwork({ name: "transformer", initialisation: "glorot", fix, ...options }, (l, sequence) => {
    const [steps, features] = options.inputShape;
    if (steps === undefined || features === undefined || options.inputShape.length > 2) {
      throw new TypeMismatch("that is no sequence");
    }
    const positions = l.weight([steps, width], "positions", { inputs: steps, outputs: width });
    let layer = l.add(l.linear(sequence, width, "project"), positions);
    for (const block of ["block1", "block2"]) layer = transformerBlock(l, layer, heads, block);
    const mean = l.g.node("ReduceMean", [l.layerNorm(layer, "norm"), l.g.integers(1)], { keepdims: 0 });
    return l.linear(mean, options.classes, "fc");
  });
}

const width = 32;
const heads = 4;
