import { cast, div } from "../arithmetic.ts";
import type { CompositionTable } from "../composition.ts";
import { checkConstantSize } from "../constant-size.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { type Flag, mismatch, type Value } from "../operator.ts";
import { sizeOf } from "../shape.ts";
import { countsOf, extentOf, padsOf, type Window, type WindowAttributes, windowsOf } from "../window.ts";

export interface PoolingCompositions {
  AveragePool: {
    inputs: readonly [x: Value];
    attributes: WindowAttributes & {
      readonly kernel_shape: readonly number[];
      readonly count_include_pad?: Flag;
    };
  };
}

export const poolingCompositions: CompositionTable<PoolingCompositions> = {
  // the operator set that we write has none with dilations: a sum over each channel, divided by what it counts
  AveragePool: {
    arity: [1, 1],
    required: ["kernel_shape"],
    attributes: {
      auto_pad: "string",
      ceil_mode: "int",
      count_include_pad: "int",
      dilations: "ints",
      kernel_shape: "ints",
      pads: "ints",
      strides: "ints",
    },
    compose: (g, [x], { dilations = [], ...attributes }) => {
      if (dilations.every((dilation) => dilation === 1)) return g.node("AveragePool", [x], attributes);
      const windows = windowsOf(x, attributes.kernel_shape, { ...attributes, dilations });
      const sizes = windows.map(({ output }) => output);
      checkConstantSize(sizeOf(sizes));
      const counts = g.constant(countsOf(windows, attributes.count_include_pad === 1), [1, 1, ...sizes]);
      return div(g, sums(g, x, windows), cast(g, counts, x.type));
    },
  },
};

function sums(g: GraphBuilder, x: Value, windows: readonly Window[]): Value {
  const channels = x.shape[1];
  if (typeof channels !== "number") throw mismatch("the channels must be fixed", x);
  const kernel = windows.map((window) => window.kernel);
  const ones = g.node("Expand", [g.scalar(1, x.type), g.integers(channels, 1, ...kernel)], {});
  // Of ceil_mode the last window may reach beyond the padding.
  const whole = windows.map((window) => {
    const reach = (window.output - 1) * window.stride + extentOf(window);
    return { ...window, after: Math.max(window.after, reach - window.input - window.before) };
  });
  return g.node("Conv", [x, ones], {
    dilations: windows.map(({ dilation }) => dilation),
    group: channels,
    pads: padsOf(whole),
    strides: windows.map(({ stride }) => stride),
  });
}
