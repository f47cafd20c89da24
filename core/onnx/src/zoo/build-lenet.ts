import type { OnnxModel } from "../model.ts";
import { buildNetwork, type NetworkOptions } from "./build-network.ts";

/**
 * LeNet-5 of LeCun et al. 1998 ("Gradient-Based Learning Applied to Document
 * Recognition") as it is built today: average pooling, tanh, and a linear last
 * layer; 61,706 parameters for [1, 28, 28].
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildLenet(options: NetworkOptions): OnnxModel {
  const fix = "give channels, height and width of one image, of 12 pixels or more";
  return buildNetwork({ name: "lenet", initialisation: "glorot", fix, ...options }, (l, image) => {
    let layer = l.averagePool(l.tanh(l.conv(image, { channels: 6, kernel: 5 }, "conv1")), 2);
    layer = l.averagePool(l.tanh(l.conv(layer, { channels: 16, kernel: 5, padding: 0 }, "conv2")), 2);
    layer = l.tanh(l.linear(l.flatten(layer), 120, "fc1"));
    layer = l.tanh(l.linear(layer, 84, "fc2"));
    return l.linear(layer, options.classes, "fc3");
  });
}
