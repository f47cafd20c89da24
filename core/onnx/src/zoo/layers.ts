import type { SeededRandom } from "@selvedge/protocol";
import { add, cast, mul } from "../arithmetic.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { TypeMismatch, type Value } from "../operator.ts";
import { type Dimension, sizeOf } from "../shape.ts";
import { type Initialisation, normalWeights, variances } from "./initial-weights.ts";

export interface Convolution {
  /** Channels out. */
  readonly channels: number;
  /** Side of the square kernel, or length of a 1-D one. */
  readonly kernel: number;
  readonly stride?: number;
  /** Zeros on each side; by default as many as keep the size at stride 1, for an odd kernel. */
  readonly padding?: number;
  /** Parts of the channels that see nothing of each other; default 1. */
  readonly groups?: number;
  /** Default true; needless before a normalization. */
  readonly bias?: boolean;
}

export type RecurrentCell = "GRU" | "LSTM";

/**
 * The vocabulary that the models of the zoo are written in. A layer is emitted
 * into the graph `g` with its first weights, drawn in the order of the layers.
 * Images are [batch, channels, height, width], sequences [batch, channels, steps].
 */
export class Layers {
  readonly g: GraphBuilder;
  readonly #variance: (inputs: number, outputs: number) => number;
  readonly #random: SeededRandom | undefined;
  #parameterCount = 0;

  /** @param random where weights come from; without it they are only counted, and take no memory */
  constructor(g: GraphBuilder, initialisation: Initialisation, random: SeededRandom | undefined) {
    this.g = g;
    this.#variance = variances[initialisation];
    this.#random = random;
  }

  /** Elements of all parameters so far. */
  get parameterCount(): number {
    return this.#parameterCount;
  }

  conv(
    x: Value,
    { channels, kernel, stride = 1, padding = (kernel - 1) / 2, groups = 1, bias = true }: Convolution,
    name: string,
  ): Value {
    const rank = x.shape.length - 2;
    const window = Array<number>(rank).fill(kernel);
    const inner = sizeAt(x, 1) / groups;
    const weight = this.weight([channels, inner, ...window], `${name}.weight`, {
      inputs: inner * sizeOf(window),
      outputs: (channels / groups) * sizeOf(window),
    });
    const inputs = bias
      ? ([x, weight, this.filled(0, [channels], `${name}.bias`)] as const)
      : ([x, weight] as const);
    return this.g.node("Conv", inputs, {
      ...(groups > 1 && { group: groups }),
      kernel_shape: window,
      pads: Array<number>(2 * rank).fill(padding),
      ...(stride > 1 && { strides: Array<number>(rank).fill(stride) }),
    });
  }

  /** A transposed convolution that doubles the sides: each pixel becomes four. */
  upscale(x: Value, channels: number, name: string): Value {
    const shape = [sizeAt(x, 1), channels, 2, 2];
    const weight = this.weight(shape, `${name}.weight`, { inputs: sizeAt(x, 1), outputs: channels * 4 });
    const bias = this.filled(0, [channels], `${name}.bias`);
    return this.g.node("ConvTranspose", [x, weight, bias], { kernel_shape: [2, 2], strides: [2, 2] });
  }

  /** Sums over the last axis. */
  linear(x: Value, units: number, name: string): Value {
    const inputs = sizeAt(x, -1);
    const fans = { inputs, outputs: units };
    if (x.shape.length > 2) {
      const product = this.g.node("MatMul", [x, this.weight([inputs, units], `${name}.weight`, fans)], {});
      return add(this.g, product, this.filled(0, [units], `${name}.bias`));
    }
    // A row for each unit, as exporters write it: a step is some percent faster so.
    const weight = this.weight([units, inputs], `${name}.weight`, fans);
    return this.g.node("Gemm", [x, weight, this.filled(0, [units], `${name}.bias`)], { transB: 1 });
  }

  /** Ioffe and Szegedy 2015: each channel to mean 0 and variance 1 over the batch. */
  batchNorm(x: Value, name: string): Value {
    const channels = [sizeAt(x, 1)];
    const [scale, bias] = [
      this.filled(1, channels, `${name}.scale`),
      this.filled(0, channels, `${name}.bias`),
    ];
    const mean = this.filled(0, channels, `${name}.mean`);
    const variance = this.filled(1, channels, `${name}.variance`);
    return only(this.g.composed("BatchNormalization", [x, scale, bias, mean, variance], {})[0]);
  }

  /** Ba, Kiros and Hinton 2016: the last axis to mean 0 and variance 1. */
  layerNorm(x: Value, name: string): Value {
    const size = [sizeAt(x, -1)];
    const [scale, bias] = [this.filled(1, size, `${name}.scale`), this.filled(0, size, `${name}.bias`)];
    return only(this.g.composed("LayerNormalization", [x, scale, bias], {})[0]);
  }

  /**
   * A row of a table for each code; it begins standard normal.
   *
   * @param codes whole numbers from 0, as float32
   * @param size values in a row
   */
  embedding(codes: Value, count: number, size: number, name: string): Value {
    const shape = [count, size];
    const table = this.#parameter(shape, `${name}.weight`, (random) => normalWeights(shape, 1, random));
    return this.g.node("Gather", [table, cast(this.g, codes, "int64")], {});
  }

  /**
   * A recurrent layer: LSTM (Hochreiter and Schmidhuber 1997) or GRU (Cho et al. 2014).
   *
   * @param x [steps, batch, features]
   * @returns its states after each step [steps, batch, size], and after the last [batch, size]
   */
  recurrent(cell: RecurrentCell, x: Value, size: number, name: string): readonly [all: Value, last: Value] {
    const { g } = this;
    const [inputs, rows] = [sizeAt(x, 2), gates[cell] * size];
    const weight = this.weight([1, rows, inputs], `${name}.weight`, { inputs, outputs: size });
    const recurrence = this.weight([1, rows, size], `${name}.recurrence`, { inputs: size, outputs: size });
    const bias = this.filled(0, [1, 2 * rows], `${name}.bias`);
    const values = [x, weight, recurrence, bias] as const;
    const [all, last] =
      cell === "LSTM"
        ? g.composed(cell, values, { hidden_size: size })
        : g.composed(cell, values, { hidden_size: size, linear_before_reset: 1 });
    return [
      g.node("Squeeze", [only(all), g.integers(1)], {}),
      g.node("Squeeze", [only(last), g.integers(0)], {}),
    ];
  }

  relu(x: Value): Value {
    return this.g.node("Relu", [x], {});
  }

  tanh(x: Value): Value {
    return this.g.node("Tanh", [x], {});
  }

  /** Howard et al. 2019 ("Searching for MobileNetV3"): x min(max(x/6 + 1/2, 0), 1). */
  hardSwish(x: Value): Value {
    return only(this.g.composed("HardSwish", [x], {})[0]);
  }

  /** Hendrycks and Gimpel 2016: x Φ(x). The operator itself is of a later set than the one we write. */
  gelu(x: Value): Value {
    const { g } = this;
    const twice = add(g, g.node("Erf", [mul(g, x, Math.SQRT1_2)], {}), 1);
    return mul(g, mul(g, x, 0.5), twice);
  }

  maxPool(x: Value, size: number): Value {
    return this.g.node("MaxPool", [x], pool(x, size));
  }

  averagePool(x: Value, size: number): Value {
    return this.g.node("AveragePool", [x], pool(x, size));
  }

  /** [batch, channels, …] to [batch, channels]: the mean of each channel. */
  globalAveragePool(x: Value): Value {
    return this.flatten(this.g.node("GlobalAveragePool", [x], {}));
  }

  flatten(x: Value): Value {
    return this.g.node("Flatten", [x], { axis: 1 });
  }

  add(a: Value, b: Value): Value {
    return add(this.g, a, b);
  }

  /**
   * A parameter that begins random.
   *
   * @param fans how many values each output is a sum over, and how many sums each input is part of
   */
  weight(
    shape: readonly number[],
    name: string,
    { inputs, outputs }: { readonly inputs: number; readonly outputs: number },
  ): Value {
    const variance = this.#variance(inputs, outputs);
    return this.#parameter(shape, name, (random) => normalWeights(shape, variance, random));
  }

  /** A parameter that begins as one value. */
  filled(value: number, shape: readonly number[], name: string): Value {
    return this.#parameter(shape, name, () => new Float32Array(sizeOf(shape)).fill(value));
  }

  #parameter(
    shape: readonly number[],
    name: string,
    values: (random: SeededRandom) => Float32Array<ArrayBuffer>,
  ): Value {
    for (const size of shape) checkSize(size);
    this.#parameterCount += sizeOf(shape);
    if (this.#random === undefined) return this.g.input(name, "float32", shape);
    return this.g.constant(values(this.#random), shape, name);
  }
}

/** How many sums of the inputs each unit makes. */
const gates: { readonly [Cell in RecurrentCell]: number } = { GRU: 3, LSTM: 4 };

/** @throws TypeMismatch for what is no number of units, channels or steps */
export function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 1) throw new TypeMismatch(`${size} is no size`);
}

/** Of an axis whose size is fixed. @throws TypeMismatch when it is not, or not there */
export function sizeAt(x: Value, axis: number): number {
  const size: Dimension | undefined = x.shape.at(axis);
  if (typeof size === "number") return size;
  throw new TypeMismatch(`axis ${axis} has no fixed size`);
}

function pool(x: Value, size: number): { readonly kernel_shape: number[]; readonly strides: number[] } {
  const window = Array<number>(x.shape.length - 2).fill(size);
  return { kernel_shape: window, strides: window };
}

/** An output that every node of its operator has. */
function only(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError("an operator without an output");
  return value;
}
