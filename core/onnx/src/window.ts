import { mismatch, TypeMismatch, type Value } from "./operator.ts";
import { isStatic, type Shape } from "./shape.ts";

/** How a sliding window goes along one spatial axis. */
export interface Window {
  /** Elements of the input. */
  readonly input: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Padding before the first and after the last element. */
  readonly before: number;
  readonly after: number;
  /** Positions of the window: elements of the output. */
  readonly output: number;
}

/** The attributes that convolutions and pools share (ONNX "Conv", "MaxPool", "AveragePool"). */
export interface WindowAttributes {
  readonly auto_pad?: string;
  readonly ceil_mode?: 0 | 1;
  readonly dilations?: readonly number[];
  readonly kernel_shape?: readonly number[];
  readonly pads?: readonly number[];
  readonly strides?: readonly number[];
}

/**
 * The windows of an operator that slides over `x` [batch, channels, ...spatial], one per spatial axis.
 *
 * @throws TypeMismatch for spatial sizes that are not fixed, and attributes that do not fit
 */
export function windowsOf(
  x: Value,
  kernel: readonly number[],
  { auto_pad: autoPad = "NOTSET", ceil_mode: ceil = 0, dilations, pads, strides }: WindowAttributes,
): readonly Window[] {
  const spatial: Shape = x.shape.slice(2);
  const rank = spatial.length;
  if (!isStatic(spatial) || rank === 0) throw mismatch("the spatial sizes must be fixed", x);
  const lists = [kernel, dilations ?? kernel, strides ?? kernel];
  if (lists.some((list) => list.length !== rank) || (pads !== undefined && pads.length !== 2 * rank)) {
    throw mismatch("kernel, strides, dilations and pads are not one for each spatial axis", x);
  }
  return spatial.map((input, axis) => {
    const sizes = {
      kernel: kernel[axis] ?? 1,
      stride: strides?.[axis] ?? 1,
      dilation: dilations?.[axis] ?? 1,
    };
    if (!Object.values(sizes).every((size) => Number.isInteger(size) && size >= 1)) {
      throw new TypeMismatch(`kernel ${sizes.kernel}, stride ${sizes.stride}, dilation ${sizes.dilation}`);
    }
    const [before, after] = padding(autoPad, input, sizes, [pads?.[axis] ?? 0, pads?.[axis + rank] ?? 0]);
    if (before < 0 || after < 0) throw new TypeMismatch(`negative pads ${before} and ${after}`);
    const output = positions(input + before + after, sizes, ceil, input + before);
    if (output < 1) throw mismatch(`a kernel of ${sizes.kernel} is larger than axis ${axis + 2}`, x);
    return { input, ...sizes, before, after, output };
  });
}

/** Elements from the first to the last that one position of a window sees. */
export function extentOf({ kernel, dilation }: Pick<Window, "kernel" | "dilation">): number {
  return dilation * (kernel - 1) + 1;
}

/** `pads` as an ONNX attribute has them: all the befores, then all the afters. */
export function padsOf(windows: readonly Window[]): readonly number[] {
  return [...windows.map(({ before }) => before), ...windows.map(({ after }) => after)];
}

/** How many elements each position of the windows sees, row-major: of the input, or of its padding as well. */
export function countsOf(windows: readonly Window[], includesPadding: boolean): Float32Array<ArrayBuffer> {
  const counts = windows.map((window) => countsAlong(window, includesPadding));
  const all = counts.reduce(
    (products, next) => products.flatMap((each) => next.map((count) => each * count)),
    [1],
  );
  return Float32Array.from(all);
}

function countsAlong(window: Window, includesPadding: boolean): readonly number[] {
  const { input, before, after, kernel, stride, dilation, output } = window;
  const [low, high] = includesPadding ? [-before, input + after] : [0, input];
  return Array.from({ length: output }, (_, position) => {
    const taps = Array.from({ length: kernel }, (_, tap) => position * stride - before + tap * dilation);
    return taps.filter((at) => at >= low && at < high).length;
  });
}

type Sizes = Pick<Window, "kernel" | "stride" | "dilation">;

/** ONNX auto_pad: SAME gives ceil(input / stride) positions, the odd one of the padding at the end or the start. */
function padding(
  autoPad: string,
  input: number,
  sizes: Sizes,
  explicit: readonly [number, number],
): readonly [number, number] {
  if (autoPad === "NOTSET") return explicit;
  if (autoPad === "VALID") return [0, 0];
  const total = Math.max(0, (Math.ceil(input / sizes.stride) - 1) * sizes.stride + extentOf(sizes) - input);
  const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
  if (autoPad === "SAME_UPPER") return [less, more];
  if (autoPad === "SAME_LOWER") return [more, less];
  throw new TypeMismatch(`auto_pad "${autoPad}" is not known`);
}

function positions(padded: number, sizes: Sizes, ceil: 0 | 1, lastStart: number): number {
  const steps = (padded - extentOf(sizes)) / sizes.stride;
  const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  // A window that would start in the padding after the input is left out.
  return ceil && (count - 1) * sizes.stride >= lastStart ? count - 1 : count;
}
