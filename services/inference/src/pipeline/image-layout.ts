import type { SelvedgeError } from "@selvedge/protocol";
import type { TensorDeclaration } from "@selvedge/runtime";
import { openShape } from "../tensors/decode-tensor.ts";
import type { ModelSignature } from "../tensors/infer-request.ts";
import { type ImageOptions, unfitPipeline } from "./pipeline.ts";

/** How a model takes a picture. */
export interface ImageLayout {
  readonly input: string;
  readonly type: "float32" | "uint8";
  /** Of a batch of one. */
  readonly dims: readonly number[];
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  /** Channel by channel (NCHW), rather than pixel by pixel (NHWC, and rows of numbers). */
  readonly planar: boolean;
}

/**
 * Reads from the model's only input, and from the pipeline where that leaves it open, how large a picture it takes and in
 * which order its samples stand.
 *
 * @throws SelvedgeError `invalid_argument` when the model takes no picture, or not what the pipeline says
 */
export function imageLayout(image: ImageOptions, { inputs }: ModelSignature): ImageLayout {
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) throw unfit(`the model has ${inputs.length} inputs, not one`);
  const { name, type, dims } = input;
  if (type !== "float32" && type !== "uint8")
    throw unfit(`input "${name}" is of ${type}, not float32 or uint8`);
  if (typeof dims[0] === "number" && dims[0] !== 1) throw unfit(`input "${name}" is a batch of ${dims[0]}`);
  const found =
    dims.length === 2 ? flat(image, input) : dims.length === 4 ? spatial(image, input) : undefined;
  if (found === undefined) throw unfit(`input "${name}" has the shape ${shown(input)}`);
  return { input: name, type, ...found };
}

type Place = Omit<ImageLayout, "input" | "type">;

function flat({ height, width, channels = 1 }: ImageOptions, input: TensorDeclaration): Place {
  if (height === undefined || width === undefined) {
    throw unfit(`input "${input.name}" is a row of numbers: give the image's height and width`);
  }
  const count = height * width * channels;
  if (!accepts(input.dims[1], count)) {
    throw unfit(`${height} x ${width} x ${channels} are ${count}, input "${input.name}" is ${shown(input)}`);
  }
  return { dims: [1, count], height, width, channels, planar: true };
}

/** Where both readings would do, the more common: channels first. */
function spatial(image: ImageOptions, input: TensorDeclaration): Place {
  const [, a, b, c] = input.dims;
  const first = placeOf(image, a, b, c);
  if (first !== undefined) {
    return { ...first, dims: [1, first.channels, first.height, first.width], planar: true };
  }
  const last = placeOf(image, c, a, b);
  if (last !== undefined) {
    return { ...last, dims: [1, last.height, last.width, last.channels], planar: false };
  }
  throw unfit(
    `input "${input.name}" is ${shown(input)}: give the image's height, width and channels as it has them`,
  );
}

type Size = number | string | undefined;

function placeOf(
  image: ImageOptions,
  channels: Size,
  height: Size,
  width: Size,
): Pick<ImageLayout, "height" | "width" | "channels"> | undefined {
  const wanted = image.channels ?? (channels === 3 ? 3 : 1);
  const [high, wide] = [image.height ?? height, image.width ?? width];
  if (typeof high !== "number" || typeof wide !== "number") return undefined;
  const fits = accepts(channels, wanted) && accepts(height, high) && accepts(width, wide);
  return fits ? { channels: wanted, height: high, width: wide } : undefined;
}

/** An open size takes any. */
function accepts(declared: Size, size: number): boolean {
  return typeof declared === "string" || declared === size;
}

function shown({ dims }: TensorDeclaration): string {
  return JSON.stringify(openShape(dims));
}

function unfit(why: string): SelvedgeError {
  return unfitPipeline("image", why);
}
