import type { Tensor } from "@selvedge/runtime";
import type { Image } from "./decode-image.ts";
import type { ImageLayout } from "./image-layout.ts";
import type { ImageOptions } from "./pipeline.ts";

/**
 * The model's input of a picture: what is transparent on white, resized (by averaging where it shrinks, and linearly
 * where it grows, as Pillow's BILINEAR does), grey or colour, normalised.
 */
export function imageTensor(image: Image, options: ImageOptions, layout: ImageLayout): Tensor {
  const { height, width, channels, type, dims, planar } = layout;
  const samples = resize(channelsOf(image, options, channels), cut(image, options, layout), layout);
  const data = type === "uint8" ? new Uint8Array(samples.length) : new Float32Array(samples.length);
  const pixels = height * width;
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < channels; channel++) {
      const sample = samples[pixel * channels + channel] ?? 0;
      const place = planar ? channel * pixels + pixel : pixel * channels + channel;
      // Of integers the model itself makes what it wants.
      data[place] = type === "uint8" ? Math.round(sample) : normalised(sample, channel, options);
    }
  }
  return { type, dims, data } as Tensor;
}

function normalised(sample: number, channel: number, { scale, mean, std }: ImageOptions): number {
  return (sample / scale - (mean[channel] ?? mean[0] ?? 0)) / (std[channel] ?? std[0] ?? 1);
}

/** Pixel by pixel, 0 to 255. */
function channelsOf(
  { width, height, data }: Image,
  { order, invert }: ImageOptions,
  channels: 1 | 3,
): Float32Array {
  const out = new Float32Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const opacity = (data[pixel * 4 + 3] ?? 255) / 255;
    const sample = (channel: number): number => {
      const onWhite = 255 + opacity * ((data[pixel * 4 + channel] ?? 0) - 255);
      return invert ? 255 - onWhite : onWhite;
    };
    if (channels === 1) out[pixel] = grey.reduce((sum, weight, channel) => sum + weight * sample(channel), 0);
    else
      for (let channel = 0; channel < 3; channel++) {
        out[pixel * 3 + channel] = sample(order === "rgb" ? channel : 2 - channel);
      }
  }
  return out;
}

/** A part of a picture, in pixels and fractions of them. */
interface Part {
  readonly width: number;
  readonly height: number;
  readonly sourceWidth: number;
  readonly sourceHeight: number;
}

/** All of it, or of the wanted proportions as much as it has, from its middle. */
function cut({ width, height }: Image, { fit }: ImageOptions, wanted: ImageLayout): Part {
  const source = { sourceWidth: width, sourceHeight: height };
  if (fit === "stretch") return { ...source, width, height };
  const factor = Math.min(width / wanted.width, height / wanted.height);
  return { ...source, width: wanted.width * factor, height: wanted.height * factor };
}

/** One axis after the other: each sample of the result is a weighted mean of those around its place. */
function resize(samples: Float32Array, part: Part, { width, height, channels }: ImageLayout): Float32Array {
  const across = weightsOf(part.sourceWidth, part.width, width);
  const down = weightsOf(part.sourceHeight, part.height, height);
  const narrow = new Float32Array(part.sourceHeight * width * channels);
  for (let row = 0; row < part.sourceHeight; row++) {
    mix(samples, narrow, across, {
      from: row * part.sourceWidth * channels,
      to: row * width * channels,
      step: channels,
      channels,
    });
  }
  const out = new Float32Array(height * width * channels);
  for (let column = 0; column < width; column++) {
    const at = column * channels;
    mix(narrow, out, down, { from: at, to: at, step: width * channels, channels });
  }
  return out;
}

interface Line {
  readonly from: number;
  readonly to: number;
  /** From one pixel of the line to the next. */
  readonly step: number;
  readonly channels: number;
}

function mix(source: Float32Array, target: Float32Array, weights: readonly Taps[], line: Line): void {
  for (const [index, { first, values }] of weights.entries()) {
    for (let channel = 0; channel < line.channels; channel++) {
      let sum = 0;
      for (const [tap, weight] of values.entries()) {
        sum += weight * (source[line.from + (first + tap) * line.step + channel] ?? 0);
      }
      target[line.to + index * line.step + channel] = sum;
    }
  }
}

/** The source pixels that make one of the result, from `first` on, and how much each counts; they sum to 1. */
interface Taps {
  readonly first: number;
  readonly values: readonly number[];
}

/** A triangle around each place, as wide as a pixel of the coarser of the two pictures. */
function weightsOf(source: number, part: number, wanted: number): readonly Taps[] {
  const scale = part / wanted;
  const reach = Math.max(scale, 1);
  const start = (source - part) / 2;
  return Array.from({ length: wanted }, (_, index) => {
    const centre = start + (index + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const last = Math.min(source, Math.floor(centre + reach + 0.5));
    const raw = Array.from({ length: Math.max(1, last - first) }, (__, tap) =>
      Math.max(0, 1 - Math.abs((first + tap + 0.5 - centre) / reach)),
    );
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    return { first, values: raw.map((weight) => weight / total) };
  });
}

/** ITU-R BT.601, as Pillow's and OpenCV's grey. */
const grey = [0.299, 0.587, 0.114];
