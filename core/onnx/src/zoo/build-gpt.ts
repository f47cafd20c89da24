import type { OnnxModel } from "../model.ts";
import { TypeMismatch } from "../operator.ts";
import type { TextOptions } from "./build-char-rnn.ts";
import { buildNetwork } from "./build-network.ts";
import { transformerBlock } from "./transformer-block.ts";

/**
 * A small decoder-only language model (Radford et al. 2018, "Improving Language
 * Understanding by Generative Pre-Training"): every step sees itself and those
 * before it, and from the last one it says which code comes next. Two layers of
 * four heads, 64 values a step.
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildGpt({ vocabulary, ...options }: TextOptions): OnnxModel {
  const fix = "give the steps of a text, such as 64";
  return buildNetwork({ name: "gpt", initialisation: "glorot", fix, ...options }, (l, codes) => {
    const [steps, ...more] = options.inputShape;
    if (steps === undefined || more.length > 0) throw new TypeMismatch("that is no text");
    const { g } = l;
    const positions = l.weight([steps, width], "positions", { inputs: steps, outputs: width });
    const future = g.constant(causalMask(steps), [steps, steps], "mask");
    let layer = l.add(l.embedding(codes, vocabulary ?? options.classes, width, "embedding"), positions);
    for (const block of ["block1", "block2"]) layer = transformerBlock(l, layer, heads, block, future);
    const last = g.node("Gather", [l.layerNorm(layer, "norm"), g.constant(BigInt64Array.of(-1n), [])], {
      axis: 1,
    });
    return l.linear(last, options.classes, "fc");
  });
}

/** [steps, steps]: what is added to the scores of a step for those after it is so negative that they count for nothing. */
function causalMask(steps: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: steps ** 2 }, (_, i) => (i % steps > Math.floor(i / steps) ? -1e9 : 0));
}

const width = 64;
const heads = 4;
