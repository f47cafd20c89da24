import type { OnnxModel } from "../model.ts";
import { TypeMismatch } from "../operator.ts";
import { buildNetwork, type NetworkOptions } from "./build-network.ts";

export interface CnnOptions extends NetworkOptions {
  /** Channels, height and width of one image; both sizes halve, rounded down, with every convolution. */
  readonly inputShape: readonly number[];
  /** Channels out of each convolution. */
  readonly channels: readonly number[];
  /** Side of each convolution's square kernel, odd, so that padding keeps the size. */
  readonly kernel: number;
  /** Units of each hidden fully connected layer. */
  readonly hidden: readonly number[];
}

/** The CNN of McMahan et al. 2017 ("Communication-Efficient Learning …"): 1,663,370 parameters for MNIST. */
export const fedAvgCnn: Omit<CnnOptions, "seed"> = {
  inputShape: [1, 28, 28],
  channels: [32, 64],
  kernel: 5,
  hidden: [512],
  classes: 10,
};

/**
 * A convolutional network: convolutions that keep the size, each followed by
 * ReLU and 2x2 max pooling, then fully connected layers with ReLU in between.
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildCnn({ channels, kernel, hidden, ...options }: CnnOptions): OnnxModel {
  const fix = "give channels, height and width of one image, an odd kernel, and a side for every halving";
  return buildNetwork({ name: "cnn", initialisation: "he", fix, ...options }, (l, image) => {
    if (options.inputShape.length !== 3) throw new TypeMismatch("that is no image");
    if (channels.length === 0 || kernel % 2 !== 1) {
      throw new TypeMismatch(`channels [${channels.join(", ")}] and kernel ${kernel}`);
    }
    let layer = image;
    for (const [index, count] of channels.entries()) {
      layer = l.relu(l.conv(layer, { channels: count, kernel }, `conv${index + 1}`));
      layer = l.maxPool(layer, 2);
    }
    layer = l.flatten(layer);
    for (const [index, units] of [...hidden, options.classes].entries()) {
      if (index > 0) layer = l.relu(layer);
      layer = l.linear(layer, units, `fc${index + 1}`);
    }
    return layer;
  });
}
