import type { OnnxModel } from "../model.ts";
import { TypeMismatch, type Value } from "../operator.ts";
import { buildNetwork, type NetworkOptions } from "./build-network.ts";
import { type Convolution, type Layers, sizeAt } from "./layers.ts";

/**
 * A small MobileNetV2 (Sandler et al. 2018, "Inverted Residuals and Linear
 * Bottlenecks") for small images, with the hard swish of its successor (Howard
 * et al. 2019): depthwise convolutions between a widening and a narrowing one.
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildMobilenet(options: NetworkOptions): OnnxModel {
  const fix = "give channels, height and width of one image";
  return buildNetwork({ name: "mobilenet", initialisation: "he", fix, ...options }, (l, image) => {
    if (options.inputShape.length !== 3) throw new TypeMismatch("that is no image");
    let layer = active(l, image, { channels: 16, kernel: 3 }, "stem");
    for (const [index, { channels, stride }] of bottlenecks.entries()) {
      layer = bottleneck(l, layer, channels, stride, `block${index + 1}`);
    }
    layer = active(l, layer, { channels: 128, kernel: 1 }, "head");
    return l.linear(l.globalAveragePool(layer), options.classes, "fc");
  });
}

const bottlenecks: readonly { readonly channels: number; readonly stride: number }[] = [
  { channels: 16, stride: 1 },
  { channels: 24, stride: 2 },
  { channels: 24, stride: 1 },
  { channels: 32, stride: 2 },
  { channels: 32, stride: 1 },
];

/** How many times as many channels there are inside a bottleneck. */
const expansion = 4;

function bottleneck(l: Layers, x: Value, channels: number, stride: number, name: string): Value {
  const inner = sizeAt(x, 1) * expansion;
  const wide = active(l, x, { channels: inner, kernel: 1 }, `${name}.expand`);
  const deep = active(l, wide, { channels: inner, kernel: 3, stride, groups: inner }, `${name}.depthwise`);
  const narrow = normalized(l, deep, { channels, kernel: 1 }, `${name}.project`);
  return stride === 1 && channels === sizeAt(x, 1) ? l.add(x, narrow) : narrow;
}

function active(l: Layers, x: Value, convolution: Convolution, name: string): Value {
  return l.hardSwish(normalized(l, x, convolution, name));
}

function normalized(l: Layers, x: Value, convolution: Convolution, name: string): Value {
  return l.batchNorm(l.conv(x, { ...convolution, bias: false }, `${name}.conv`), `${name}.norm`);
}
