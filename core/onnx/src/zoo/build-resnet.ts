import type { OnnxModel } from "../model.ts";
import { TypeMismatch, type Value } from "../operator.ts";
import { buildNetwork, type NetworkOptions } from "./build-network.ts";
import { type Layers, sizeAt } from "./layers.ts";

export interface ResnetOptions extends NetworkOptions {
  /** Layers with weights: 6 n + 2; default 20. */
  readonly depth?: number;
  /** Channels of the first stage; default 16. They double with each of the two others. */
  readonly width?: number;
}

/**
 * The residual network of He et al. 2015 ("Deep Residual Learning for Image
 * Recognition", 4.2) for small images: three stages of n blocks, shortcuts
 * without parameters. ResNet-20 for [3, 32, 32] and 10 classes: 269,722 weights.
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildResnet({ depth = 20, width = 16, ...options }: ResnetOptions): OnnxModel {
  const fix = "give channels, height and width of one image, and a depth of 6 n + 2";
  return buildNetwork({ name: "resnet", initialisation: "he", fix, ...options }, (l, image) => {
    const blocks = (depth - 2) / 6;
    if (options.inputShape.length !== 3) throw new TypeMismatch("that is no image");
    if (!Number.isSafeInteger(blocks) || blocks < 1) throw new TypeMismatch(`the depth is ${depth}`);
    let layer = l.relu(normalized(l, image, width, 1, "stem"));
    for (const stage of [1, 2, 3]) {
      for (let block = 1; block <= blocks; block += 1) {
        const stride = stage > 1 && block === 1 ? 2 : 1;
        layer = residual(l, layer, width * 2 ** (stage - 1), stride, `stage${stage}.block${block}`);
      }
    }
    return l.linear(l.globalAveragePool(layer), options.classes, "fc");
  });
}

/** y = relu(x + f(x)) */
function residual(l: Layers, x: Value, channels: number, stride: number, name: string): Value {
  const inner = l.relu(normalized(l, x, channels, stride, `${name}.1`));
  const outer = normalized(l, inner, channels, 1, `${name}.2`);
  return l.relu(l.add(outer, stride === 1 ? x : shrunk(l, x, channels)));
}

function normalized(l: Layers, x: Value, channels: number, stride: number, name: string): Value {
  const conv = l.conv(x, { channels, kernel: 3, stride, bias: false }, `${name}.conv`);
  return l.batchNorm(conv, `${name}.norm`);
}

/** "Option A": every second pixel, and zeros for the channels that come in addition. */
function shrunk({ g }: Layers, x: Value, channels: number): Value {
  const pixels = g.node("MaxPool", [x], { kernel_shape: [1, 1], strides: [2, 2] });
  const more = channels - sizeAt(x, 1);
  return g.node("Pad", [pixels, g.integers(0, 0, 0, 0, 0, more, 0, 0)], { mode: "constant" });
}
