import type { OnnxModel } from "../model.ts";
import { TypeMismatch, type Value } from "../operator.ts";
import { buildNetwork, type NetworkOptions } from "./build-network.ts";
import type { Layers } from "./layers.ts";

/**
 * A small U-Net (Ronneberger et al. 2015, "U-Net: Convolutional Networks for
 * Biomedical Image Segmentation"), batch-normalized: down to a quarter of the
 * sides and up again, each level beside what it was on the way down; raw scores
 * of the classes for each pixel, [batch, classes, height, width].
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildUnet(options: NetworkOptions): OnnxModel {
  const fix = "give channels, height and width of one image, sides that are multiples of 4";
  return buildNetwork({ name: "unet", initialisation: "he", fix, ...options }, (l, image) => {
    const [, ...sides] = options.inputShape;
    if (sides.length !== 2 || sides.some((side) => side % 4 !== 0))
      throw new TypeMismatch("that is no such image");
    const top = twoConvolutions(l, image, 16, "down1");
    const middle = twoConvolutions(l, l.maxPool(top, 2), 32, "down2");
    const bottom = twoConvolutions(l, l.maxPool(middle, 2), 64, "bottom");
    const up = twoConvolutions(l, beside(l, middle, l.upscale(bottom, 32, "up2.scale")), 32, "up2");
    const last = twoConvolutions(l, beside(l, top, l.upscale(up, 16, "up1.scale")), 16, "up1");
    return l.conv(last, { channels: options.classes, kernel: 1 }, "classes");
  });
}

function twoConvolutions(l: Layers, x: Value, channels: number, name: string): Value {
  const once = (from: Value, part: string): Value => {
    const conv = l.conv(from, { channels, kernel: 3, bias: false }, `${part}.conv`);
    return l.relu(l.batchNorm(conv, `${part}.norm`));
  };
  return once(once(x, `${name}.1`), `${name}.2`);
}

function beside({ g }: Layers, a: Value, b: Value): Value {
  return g.node("Concat", [a, b], { axis: 1 });
}
