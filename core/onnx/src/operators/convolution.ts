import { mismatch, type OperatorTable, sameType, type Value } from "../operator.ts";
import { type Dimension, isStatic, productOf, type Shape, sizeOf } from "../shape.ts";
import { extentOf, type WindowAttributes, windowsOf } from "../window.ts";

export interface ConvAttributes extends Omit<WindowAttributes, "ceil_mode"> {
  readonly group?: number;
}

/** How a ConvTranspose spreads its input, with the pads given. */
export interface SpreadAttributes extends Omit<ConvAttributes, "auto_pad"> {
  readonly output_padding?: readonly number[];
}

/** Weighted sums over windows that slide over [batch, channels, ...spatial]. */
export interface ConvolutionSignatures {
  Conv: {
    inputs: readonly [x: Value, weight: Value, bias?: Value];
    attributes: ConvAttributes;
  };
  ConvTranspose: {
    inputs: readonly [x: Value, weight: Value, bias?: Value];
    attributes: SpreadAttributes;
  };
}

/** What both kinds have. */
export const convAttributes = {
  dilations: "ints",
  group: "int",
  kernel_shape: "ints",
  pads: "ints",
  strides: "ints",
} as const;

export const convolutionOperators: OperatorTable<ConvolutionSignatures> = {
  Conv: {
    arity: [2, 3],
    attributes: { ...convAttributes, auto_pad: "string" },
    infer: ([x, weight, bias], attributes) => {
      const { group = 1 } = attributes;
      const [batch = 1, channels] = x.shape;
      const { outer: outputs, inner, kernel } = weightShape(weight);
      const fits = weight.shape.length === x.shape.length && channels === productOf([inner, group]);
      if (!fits || outputs % group !== 0) {
        throw mismatch(`the weight does not fit the input in ${group} groups`, x, weight);
      }
      checkBias(bias, outputs);
      const windows = windowsOf(x, kernel, attributes);
      return { type: sameType(x, weight), shape: [batch, outputs, ...windows.map(({ output }) => output)] };
    },
    multiplyAdds: ([, weight]) => productOf(weight.shape.slice(1)),
  },
  ConvTranspose: {
    arity: [2, 3],
    attributes: { ...convAttributes, output_padding: "ints" },
    infer: ([x, weight, bias], attributes) => {
      const { group = 1 } = attributes;
      const [batch = 1, channels] = x.shape;
      const { outer, inner: outputs, kernel } = weightShape(weight);
      if (weight.shape.length !== x.shape.length || channels !== outer || outer % group !== 0) {
        throw mismatch(`the weight does not fit the input in ${group} groups`, x, weight);
      }
      if (typeof outputs !== "number") throw mismatch("the weight has no fixed shape", weight);
      checkBias(bias, outputs * group);
      const sizes = transposedSizes(x, kernel, attributes);
      return { type: sameType(x, weight), shape: [batch, outputs * group, ...sizes] };
    },
    // Each input is spread over the window; counted for each output that is about as many per element.
    multiplyAdds: ([, weight], { group = 1, strides = [] }) => {
      const { outer, kernel } = weightShape(weight);
      return Math.ceil((outer / group) * (sizeOf(kernel) / sizeOf(strides)));
    },
  },
};

/** The first dimension of a weight, which groups divide, the second, which is of one group, and the kernel. */
function weightShape(weight: Value): {
  readonly outer: number;
  readonly inner: Dimension;
  readonly kernel: readonly number[];
} {
  const [outer, inner, ...rest] = weight.shape;
  const kernel: Shape = rest;
  if (typeof outer === "number" && inner !== undefined && kernel.length > 0 && isStatic(kernel)) {
    return { outer, inner, kernel };
  }
  throw mismatch("the weight of a convolution has a fixed shape of at least three dimensions", weight);
}

function checkBias(bias: Value | undefined, outputs: number): void {
  if (bias === undefined || (bias.shape.length === 1 && bias.shape[0] === outputs)) return;
  throw mismatch(`the bias is not one number for each of ${outputs} channels`, bias);
}

function transposedSizes(
  x: Value,
  kernel: readonly number[],
  attributes: SpreadAttributes,
): readonly number[] {
  const { pads = [], output_padding: extra = [] } = attributes;
  return fullSizes(x, kernel, attributes).map((full, axis) => {
    const size = full + (extra[axis] ?? 0) - (pads[axis] ?? 0) - (pads[axis + kernel.length] ?? 0);
    if (size < 1) throw mismatch(`axis ${axis + 2} of the result is empty`, x);
    return size;
  });
}

/**
 * What a ConvTranspose spreads its input over before anything is cut off or added:
 * stride (input - 1) + extent (ONNX "ConvTranspose").
 *
 * @throws TypeMismatch for spatial sizes that are not fixed, and attributes that do not fit
 */
export function fullSizes(
  x: Value,
  kernel: readonly number[],
  { dilations = [], strides = [] }: Pick<SpreadAttributes, "dilations" | "strides">,
): readonly number[] {
  const spatial: Shape = x.shape.slice(2);
  if (!isStatic(spatial)) throw mismatch("the spatial sizes must be fixed", x);
  return spatial.map((input, axis) => {
    const [stride, dilation] = [strides[axis] ?? 1, dilations[axis] ?? 1];
    if (![stride, dilation].every((size) => Number.isInteger(size) && size >= 1)) {
      throw mismatch(`a stride of ${stride} and a dilation of ${dilation}`, x);
    }
    return stride * (input - 1) + extentOf({ kernel: kernel[axis] ?? 1, dilation });
  });
}
