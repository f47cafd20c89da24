import type { OnnxModel } from "../model.ts";
import { TypeMismatch } from "../operator.ts";
import { buildNetwork, type NetworkOptions } from "./build-network.ts";

/**
 * A network for windows of sensor readings, [channels, steps]: two convolutions
 * along time, ReLU, pooling, and the mean of each channel over the window, so
 * that where in the window something happens does not matter.
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildCnn1d(options: NetworkOptions): OnnxModel {
  const fix = "give the channels of a sensor and the steps of a window, two or more";
  return buildNetwork({ name: "cnn1d", initialisation: "he", fix, ...options }, (l, window) => {
    if (options.inputShape.length !== 2) throw new TypeMismatch("that is no window of readings");
    let layer = l.maxPool(l.relu(l.conv(window, { channels: 32, kernel: 5 }, "conv1")), 2);
    layer = l.relu(l.conv(layer, { channels: 64, kernel: 5 }, "conv2"));
    return l.linear(l.globalAveragePool(layer), options.classes, "fc");
  });
}
