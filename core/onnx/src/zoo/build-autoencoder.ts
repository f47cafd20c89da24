import type { OnnxModel } from "../model.ts";
import { TypeMismatch } from "../operator.ts";
import { buildNetwork, type NetworkOptions } from "./build-network.ts";
import { sizeAt } from "./layers.ts";

/**
 * A convolutional autoencoder for images, to be trained to give its input again
 * (mean squared error): two convolutions halve the sides, and from what is left,
 * 8 channels, two transposed ones make the image.
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildAutoencoder(options: Omit<NetworkOptions, "classes">): OnnxModel {
  const fix = "give channels, height and width of one image, sides that are multiples of 4";
  const traits = { name: "autoencoder", initialisation: "he", output: "reconstruction", fix } as const;
  return buildNetwork({ ...traits, ...options }, (l, image) => {
    const [, ...sides] = options.inputShape;
    if (sides.length !== 2 || sides.some((side) => side % 4 !== 0))
      throw new TypeMismatch("that is no such image");
    let layer = l.relu(l.conv(image, { channels: 16, kernel: 3, stride: 2 }, "encoder1"));
    layer = l.relu(l.conv(layer, { channels: 8, kernel: 3, stride: 2 }, "encoder2"));
    layer = l.relu(l.upscale(layer, 16, "decoder1"));
    return l.upscale(layer, sizeAt(image, 1), "decoder2");
  });
}
