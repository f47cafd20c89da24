import { channelSums, swapFirstAxes, unsqueeze } from "../gradient-families.ts";
import type { GradientTable } from "../gradient-rule.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import type { ConvolutionSignatures } from "../operators/convolution.ts";
import { extentOf, type Window, windowsOf } from "../window.ts";
import { weightGradient } from "./weight-gradient.ts";

export const convolutionGradients: GradientTable<keyof ConvolutionSignatures> = {
  // y = x ∗ w + b: dx spreads dy over the windows it came from, dw correlates x with dy, db sums dy
  Conv: (g, { inputs: [x, w, b], attributes }, dy) => {
    const { group = 1 } = attributes;
    const windows = windowsOf(x, kernelOf(w), attributes);
    return [
      () => inputGradient(g, w, dy, windows, group),
      () => weightGradient(g, x, dy, w, windows, group),
      b && (() => channelSums(g, dy)),
    ];
  },

  // the transpose of a Conv whose input is y: dx is that Conv of dy, dw has x and dy in each other's place
  ConvTranspose: (g, { inputs: [x, w, b], attributes }, dy) => {
    const { group = 1, dilations, strides, pads } = attributes;
    const conv = {
      group,
      ...(dilations && { dilations }),
      ...(strides && { strides }),
      ...(pads && { pads }),
    };
    const windows = windowsOf(dy, kernelOf(w), conv);
    return [
      () => g.node("Conv", [dy, w], conv),
      () => weightGradient(g, dy, x, w, windows, group),
      b && (() => channelSums(g, dy)),
    ];
  },
};

/**
 * The gradient of a Conv by its input, by what is fast: where dy slides over the input pixel by pixel
 * and has no more channels than there are to get, a Conv with the kernel flipped; a ConvTranspose otherwise.
 */
function inputGradient(
  g: GraphBuilder,
  w: Value,
  dy: Value,
  windows: readonly Window[],
  group: number,
): Value {
  const [outputs, channels] = [Number(w.shape[0]), Number(w.shape[1])];
  const isDepthwise = group === outputs && channels === 1;
  const isNarrowing = group === 1 && outputs <= channels;
  const pads = [
    ...windows.map((window) => extentOf(window) - 1 - window.before),
    ...windows.map((window) => window.input - window.output + window.before),
  ];
  const slides = windows.every(({ stride }) => stride === 1) && pads.every((size) => size >= 0);
  if (!slides || !(isDepthwise || isNarrowing)) return spreadOver(g, dy, w, windows, group);
  const dilations = windows.map(({ dilation }) => dilation);
  const kernel = isDepthwise ? flipped(g, w) : swapFirstAxes(g, flipped(g, w));
  return g.node("Conv", [dy, kernel], { dilations, group, pads });
}

/** ConvTranspose back to exactly the input that the windows slid over. */
export function spreadOver(
  g: GraphBuilder,
  dy: Value,
  w: Value,
  windows: readonly Window[],
  group: number,
): Value {
  if (windows.length === 1) {
    // Along one axis the runtime takes 2.5 times as long as for images of one row.
    const row = { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };
    const spread = spreadOver(g, unsqueeze(g, dy, 2), unsqueeze(g, w, 2), [row, ...windows], group);
    return g.node("Squeeze", [spread, g.integers(2)], {});
  }
  // What the windows reach beyond the input is cut off, what they leave out of it is added.
  const beyond = windows.map(
    (window) => window.stride * (window.output - 1) + extentOf(window) - window.before - window.input,
  );
  return g.node("ConvTranspose", [dy, w], {
    dilations: windows.map(({ dilation }) => dilation),
    group,
    output_padding: beyond.map((size) => Math.max(0, -size)),
    pads: [...windows.map(({ before }) => before), ...beyond.map((size) => Math.max(0, size))],
    strides: windows.map(({ stride }) => stride),
  });
}

function flipped(g: GraphBuilder, w: Value): Value {
  if (kernelOf(w).every((size) => size === 1)) return w;
  const axes = w.shape.slice(2).map((_, axis) => axis + 2);
  const all = (bound: number): Value => g.integers(...axes.map(() => bound));
  return g.node("Slice", [w, all(-1), all(-(2 ** 31)), g.integers(...axes), all(-1)], {});
}

function kernelOf(w: Value): readonly number[] {
  return w.shape.slice(2).map(Number);
}
