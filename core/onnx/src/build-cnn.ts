import { SeededRandom, SelvedgeError } from "@selvedge/protocol";
import { GraphBuilder } from "./graph-builder.ts";
import { checkParameterCount, heNormal } from "./initial-weights.ts";
import type { OnnxModel } from "./model.ts";
import type { Value } from "./operator.ts";
import { describeShape } from "./shape.ts";

export interface CnnOptions {
  /** Channels, height and width of one image; both sizes halve, rounded down, with every convolution. */
  readonly inputShape: readonly number[];
  /** Channels out of each convolution. */
  readonly channels: readonly number[];
  /** Side of each convolution's square kernel, odd, so that padding keeps the size. */
  readonly kernel: number;
  /** Units of each hidden fully connected layer. */
  readonly hidden: readonly number[];
  readonly classes: number;
  readonly seed: string | number;
}

/** The CNN of McMahan et al. 2017 ("Communication-Efficient Learning …") for MNIST: 1,663,370 parameters. */
export const fedAvgCnn: Omit<CnnOptions, "seed"> = {
  inputShape: [1, 28, 28],
  channels: [32, 64],
  kernel: 5,
  hidden: [512],
  classes: 10,
};

/**
 * A convolutional network: convolutions that keep the size, each followed by
 * ReLU and 2x2 max pooling, then fully connected layers with ReLU in between,
 * from `input` [batch, ...inputShape] to raw scores `logits` [batch, classes].
 *
 * Weights are He-normal, biases zero; the same seed gives the same bytes on every machine.
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildCnn(options: CnnOptions): OnnxModel {
  checkOptions(options);
  checkParameterCount(parameterCount(options));
  const random = SeededRandom.fromSeed("cnn", options.seed);
  const g = new GraphBuilder();
  let layer = g.input("input", "float32", ["batch", ...options.inputShape]);
  for (const [index, channels] of options.channels.entries()) {
    layer = convolution(g, layer, channels, options.kernel, `conv${index + 1}`, random);
    layer = g.node("Relu", [layer], {});
    layer = g.node("MaxPool", [layer], { kernel_shape: [2, 2], strides: [2, 2] });
  }
  layer = g.node("Flatten", [layer], { axis: 1 });
  for (const [index, units] of [...options.hidden, options.classes].entries()) {
    if (index > 0) layer = g.node("Relu", [layer], {});
    layer = fullyConnected(g, layer, units, `fc${index + 1}`, random);
  }
  g.output("logits", layer);
  return g.toModel("cnn");
}

function convolution(
  g: GraphBuilder,
  x: Value,
  channels: number,
  kernel: number,
  name: string,
  random: SeededRandom,
): Value {
  const shape = [channels, Number(x.shape[1]), kernel, kernel];
  const inputs = Number(x.shape[1]) * kernel * kernel;
  const weight = g.constant(heNormal(shape, inputs, random), shape, `${name}.weight`);
  const bias = g.constant(new Float32Array(channels), [channels], `${name}.bias`);
  return g.node("Conv", [x, weight, bias], {
    kernel_shape: [kernel, kernel],
    pads: Array<number>(4).fill((kernel - 1) / 2),
  });
}

function fullyConnected(g: GraphBuilder, x: Value, units: number, name: string, random: SeededRandom): Value {
  const inputs = Number(x.shape[1]);
  // A row for each unit, as exporters write it: a step is some percent faster so.
  const shape = [units, inputs];
  const weight = g.constant(heNormal(shape, inputs, random), shape, `${name}.weight`);
  const bias = g.constant(new Float32Array(units), [units], `${name}.bias`);
  return g.node("Gemm", [x, weight, bias], { transB: 1 });
}

function checkOptions({ inputShape, channels, kernel, hidden, classes }: CnnOptions): void {
  const sizes = [...inputShape, ...channels, kernel, ...hidden, classes];
  const [, ...sides] = inputShape;
  const possible =
    inputShape.length === 3 &&
    channels.length > 0 &&
    sizes.every((size) => Number.isSafeInteger(size) && size > 0) &&
    kernel % 2 === 1 &&
    sides.every((side) => side >= 2 ** channels.length);
  if (possible) return;
  throw new SelvedgeError(
    "invalid_argument",
    `impossible layers: input ${describeShape(inputShape)}, channels ${channels}, kernel ${kernel}, ` +
      `hidden ${hidden}, classes ${classes}`,
    { fix: "give channels, height and width of one image, an odd kernel, and a side for every halving" },
  );
}

function parameterCount({ inputShape, channels, kernel, hidden, classes }: CnnOptions): number {
  const [depth = 0, ...sides] = inputShape;
  const area = sides.reduce((product, side) => product * Math.floor(side / 2 ** channels.length), 1);
  const depths = [depth, ...channels];
  const widths = [(channels.at(-1) ?? 0) * area, ...hidden, classes];
  const connections = (sizes: readonly number[], each: number): number =>
    sizes.slice(1).reduce((sum, size, index) => sum + ((sizes[index] ?? 0) * each + 1) * size, 0);
  return connections(depths, kernel ** 2) + connections(widths, 1);
}
