import { channelSums } from "../gradient-families.ts";
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
 * The gradient of a Conv by its input. Depthwise at stride 1 a Conv with the
 * kernel flipped is twice as fast as ConvTranspose; otherwise they differ little,
 * and at larger strides ConvTranspose is far ahead.
 */
function inputGradient(
  g: GraphBuilder,
  w: Value,
  dy: Value,
  windows: readonly Window[],
  group: number,
): Value {
  const strides = windows.map(({ stride }) => stride);
  const dilations = windows.map(({ dilation }) => dilation);
  const outer = windows.map((window) => ({
    before: extentOf(window) - 1 - window.before,
    after: window.input - window.output + window.before,
  }));
  const depthwise = group === w.shape[0] && w.shape[1] === 1;
  if (depthwise && strides.every((stride) => stride === 1) && outer.every(({ before }) => before >= 0)) {
    const pads = [...outer.map(({ before }) => before), ...outer.map(({ after }) => after)];
    if (pads.every((size) => size >= 0)) {
      return g.node("Conv", [dy, flipped(g, w)], { dilations, group, pads });
    }
  }
  return spreadOver(g, dy, w, windows, group);
}

/** ConvTranspose back to exactly the input that the windows slid over. */
export function spreadOver(
  g: GraphBuilder,
  dy: Value,
  w: Value,
  windows: readonly Window[],
  group: number,
): Value {
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
  const axes = w.shape.slice(2).map((_, axis) => axis + 2);
  const all = (bound: number): Value => g.integers(...axes.map(() => bound));
  return g.node("Slice", [w, all(-1), all(-(2 ** 31)), g.integers(...axes), all(-1)], {});
}

function kernelOf(w: Value): readonly number[] {
  return w.shape.slice(2).map(Number);
}
