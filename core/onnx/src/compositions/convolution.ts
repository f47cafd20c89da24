import { add } from "../arithmetic.ts";
import type { CompositionTable } from "../composition.ts";
import { unsqueeze } from "../gradient-families.ts";
import { mismatch, TypeMismatch, type Value } from "../operator.ts";
import { type ConvAttributes, convAttributes, fullSizes } from "../operators/convolution.ts";
import type { InputsOf } from "../operators.ts";
import { isStatic, type Shape } from "../shape.ts";
import { padsOf, windowsOf } from "../window.ts";

interface TransposeAttributes extends ConvAttributes {
  readonly output_padding?: readonly number[];
  readonly output_shape?: readonly number[];
}

export interface ConvolutionCompositions {
  Conv: {
    inputs: readonly [x: Value, weight: Value, bias?: Value];
    attributes: ConvAttributes;
  };
  ConvTranspose: {
    inputs: readonly [x: Value, weight: Value, bias?: Value];
    attributes: TransposeAttributes;
  };
}

export const convolutionCompositions: CompositionTable<ConvolutionCompositions> = {
  // with the pads given: the runtime finds none for dilated kernels
  Conv: {
    arity: [2, 3],
    attributes: { ...convAttributes, auto_pad: "string" },
    compose: (g, [x, weight, bias], { auto_pad = "NOTSET", ...attributes }) => {
      const inputs: InputsOf<"Conv"> = bias === undefined ? [x, weight] : [x, weight, bias];
      if (auto_pad === "NOTSET") return g.node("Conv", inputs, attributes);
      const kernel: Shape = weight.shape.slice(2);
      if (!isStatic(kernel)) throw mismatch("the weight has no fixed shape", weight);
      const windows = windowsOf(x, kernel, { ...attributes, auto_pad });
      return g.node("Conv", inputs, { ...attributes, pads: padsOf(windows) });
    },
  },

  // with the pads given, however the file says what size comes out
  ConvTranspose: {
    arity: [2, 3],
    attributes: { ...convAttributes, auto_pad: "string", output_padding: "ints", output_shape: "ints" },
    compose: (g, [x, weight, bias], attributes) => {
      const { dilations, group, strides } = attributes;
      const padding = paddingOf(x, weight, attributes);
      const spread = (added: readonly number[], ...inputs: InputsOf<"ConvTranspose">): Value =>
        g.node("ConvTranspose", inputs, {
          output_padding: added,
          pads: [...padding.map(({ before }) => before), ...padding.map(({ after }) => after)],
          ...(dilations && { dilations }),
          ...(group !== undefined && { group }),
          ...(strides && { strides }),
        });
      const added = padding.map((axis) => axis.added);
      if (added.every((size, axis) => size < (strides?.[axis] ?? 1))) return spread(added, x, weight, bias);
      // The runtime adds less than a stride.
      const none = added.map(() => 0);
      const pads = g.integers(0, 0, ...none, 0, 0, ...added);
      const wider = g.node("Pad", [spread(none, x, weight), pads], {});
      return bias === undefined
        ? wider
        : add(g, wider, unsqueeze(g, bias, ...none.map((_, axis) => axis + 1)));
    },
  },
};

/** What of an axis's full size is cut off before and after, or added at the end. */
interface AxisPadding {
  readonly before: number;
  readonly after: number;
  readonly added: number;
}

function paddingOf(x: Value, weight: Value, attributes: TransposeAttributes): readonly AxisPadding[] {
  const kernel = weight.shape.slice(2).map(Number);
  const { output_padding = [], output_shape, pads = [], strides = [], auto_pad = "NOTSET" } = attributes;
  const rank = x.shape.length - 2;
  const lists = [
    kernel,
    output_padding,
    strides,
    attributes.dilations ?? [],
    output_shape?.slice(-rank) ?? [],
  ];
  if (![...lists, pads.slice(rank)].every(({ length }) => length === 0 || length === rank)) {
    throw mismatch("kernel, strides, dilations and pads are not one for each spatial axis", x);
  }
  const axes = fullSizes(x, kernel, attributes).map((full, axis): AxisPadding => {
    const added = output_padding[axis] ?? 0;
    const same = auto_pad === "SAME_UPPER" || auto_pad === "SAME_LOWER";
    const automatic = same ? Number(x.shape[axis + 2]) * (strides[axis] ?? 1) : undefined;
    const size = output_shape?.at(axis - rank) ?? automatic;
    if (size !== undefined) return distributed(full + added - size, added, auto_pad);
    if (auto_pad === "VALID") return { before: 0, after: 0, added };
    if (auto_pad !== "NOTSET") throw new TypeMismatch(`auto_pad "${auto_pad}" is not known`);
    return { before: pads[axis] ?? 0, after: pads[axis + rank] ?? 0, added };
  });
  if (axes.some(({ before, after, added }) => before < 0 || after < 0 || added < 0)) {
    throw mismatch("pads and output padding are not negative", x);
  }
  // What is added at the end and cut off again is neither.
  return axes.map(({ before, after, added }) => ({
    before,
    after: Math.max(0, after - added),
    added: Math.max(0, added - after),
  }));
}

/** The odd one is cut off at the end for SAME_UPPER, else at the start; a larger output has zeros at its end. */
function distributed(total: number, added: number, autoPad: string): AxisPadding {
  if (total < 0) return { before: 0, after: 0, added: added - total };
  const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
  return autoPad === "SAME_UPPER"
    ? { before: less, after: more, added }
    : { before: more, after: less, added };
}
