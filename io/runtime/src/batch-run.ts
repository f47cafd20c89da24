import type { Dataset } from "@selvedge/datasets";
import { reshapeExamples } from "@selvedge/datasets";
import type { BinaryCounts } from "@selvedge/learning";
import { type BatchGraph, type InputFormat, type ParameterLayout, ports, slotOf } from "@selvedge/onnx";
import { SelvedgeError } from "@selvedge/protocol";
import type { Tensor, Tensors } from "./tensor.ts";

/** What running over batches needs of a session. */
export interface GraphSession {
  run(feeds: Tensors): Promise<Tensors>;
}

/** How a compiled graph has to take the examples of this dataset. */
export function inputFormatOf({ inputs, scale }: Dataset): InputFormat {
  return { inputType: inputs instanceof Uint8Array ? "uint8" : "float32", scale };
}

/** What is to be learned of each example of a dataset, row-major; where that is not its labels. */
export type Targets = Int32Array | Float32Array;

/**
 * The feeds that stay the same from run to run; the dataset is not copied.
 *
 * @throws SelvedgeError `failed_precondition` when dataset and model differ in shape, classes or targets
 */
export function datasetFeeds(
  graph: BatchGraph,
  dataset: Dataset,
  batchSize: number,
  targets: Targets | undefined,
): Tensors {
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new SelvedgeError("invalid_argument", `the batch size is ${batchSize}, not a positive integer`);
  }
  const { inputs, inputShape, length } = reshapeExamples(dataset, graph.inputShape);
  const dims = [length, ...inputShape];
  return {
    [ports.examples]:
      inputs instanceof Uint8Array
        ? { type: "uint8", dims, data: inputs }
        : { type: "float32", dims, data: inputs },
    [ports.labels]: targets === undefined ? labelsOf(dataset, graph) : targetsOf(dataset, graph, targets),
    [ports.batchSize]: integer(batchSize),
  };
}

function labelsOf({ name, labels, classes, length }: Dataset, { target }: BatchGraph): Tensor {
  const at = `dataset ${name}`;
  if (target.classes === undefined || target.shape.length > 0) {
    throw new SelvedgeError(
      "failed_precondition",
      `the loss learns ${target.type} [${target.shape.join(", ")}] for each example, and the dataset has a class`,
      { at, fix: "choose a loss that learns classes, or give targets that fit" },
    );
  }
  if (classes === target.classes) return { type: "int32", dims: [length], data: labels };
  throw new SelvedgeError(
    "failed_precondition",
    `the model tells ${target.classes} classes apart and the dataset has ${classes}`,
    { at, fix: "give a dataset with as many classes as the model" },
  );
}

function targetsOf({ name, length }: Dataset, { target }: BatchGraph, data: Targets): Tensor {
  const dims = [length, ...target.shape];
  const size = dims.reduce((product, each) => product * each, 1);
  if (data.length === size) {
    if (target.type === "int32" && data instanceof Int32Array) return { type: "int32", dims, data };
    if (target.type === "float32" && data instanceof Float32Array) return { type: "float32", dims, data };
  }
  const given = `${data instanceof Int32Array ? "int32" : "float32"}, ${data.length} numbers`;
  throw new SelvedgeError(
    "failed_precondition",
    `the loss learns ${target.type} [${dims.join(", ")}], and was given ${given}`,
    { at: `dataset ${name}`, fix: "give targets of this type and shape" },
  );
}

/** The feeds of one run: which examples, in how many batches. */
export function orderFeeds(order: Int32Array, batchSize: number): Tensors {
  return {
    [ports.order]: { type: "int32", dims: [order.length], data: order },
    [ports.steps]: integer(Math.ceil(order.length / batchSize)),
  };
}

export function parameterTensors(layout: ParameterLayout, flat: Float32Array): Tensor[] {
  return layout.slots.map((slot) => ({ type: "float32", dims: slot.shape, data: slotOf(flat, slot) }));
}

/** Tensors under the names of a graph's inputs. */
export function namedFeeds(names: readonly string[], tensors: readonly Tensor[]): Tensors {
  return Object.fromEntries(tensors.map((tensor, index) => [names[index], tensor]));
}

/** The values of a float32 output; ours, so it is there. */
export function floatsOf(outputs: Tensors, name: string): Float32Array {
  const tensor = outputs[name];
  if (tensor?.type === "float32") return tensor.data;
  throw new SelvedgeError("internal", `the graph gave no float32 output "${name}"`);
}

interface Means {
  readonly loss: number;
  readonly accuracy?: number;
  readonly among?: number;
  readonly meanAbsoluteError?: number;
}

const summed = [ports.loss, ports.weight, ports.correct, ports.counted, ports.among, ports.absoluteError];

/** Sums for each class over runs how often it was predicted rightly, was predicted, and was there. */
export class ClassTally {
  #counts: Float64Array | undefined;

  add(outputs: Tensors): void {
    const tensor = outputs[ports.classCounts];
    if (tensor === undefined) return;
    const rows = floatsOf(outputs, ports.classCounts);
    const size = tensor.dims.slice(1).reduce((product, each) => product * each, 1);
    const counts = this.#counts ?? new Float64Array(size);
    for (const [index, count] of rows.entries()) {
      counts[index % size] = (counts[index % size] ?? 0) + count;
    }
    this.#counts = counts;
  }

  get classes(): { readonly classes?: readonly BinaryCounts[] } {
    const counts = this.#counts;
    if (counts === undefined) return {};
    const size = counts.length / 3;
    const classes = Array.from({ length: size }, (_, index) => {
      const [right = 0, guessed = 0, there = 0] = [0, 1, 2].map((row) => counts[row * size + index]);
      return { truePositives: right, falsePositives: guessed - right, falseNegatives: there - right };
    });
    return { classes };
  }
}

/** Sums loss and right predictions over runs, in float64. */
export class BatchTally {
  readonly #sums = new Map<string, number>();

  add(outputs: Tensors): void {
    for (const port of summed) {
      if (outputs[port] === undefined) continue;
      this.#sums.set(port, (this.#sums.get(port) ?? 0) + sum(floatsOf(outputs, port)));
    }
  }

  /** The mean that the loss is, and the share of right predictions, 0 to 1, where targets are classes. */
  get means(): Means {
    const accuracy = this.#share(ports.correct, ports.counted);
    const among = this.#share(ports.among, ports.counted);
    const meanAbsoluteError = this.#share(ports.absoluteError, ports.weight);
    return {
      loss: this.#share(ports.loss, ports.weight) ?? Number.NaN,
      ...(accuracy !== undefined && { accuracy }),
      ...(among !== undefined && { among }),
      ...(meanAbsoluteError !== undefined && { meanAbsoluteError }),
    };
  }

  #share(part: string, whole: string): number | undefined {
    const [some, all] = [this.#sums.get(part), this.#sums.get(whole)];
    return some === undefined || all === undefined ? undefined : some / all;
  }
}

/**
 * How many steps to ask of one run. A run cannot be interrupted and blocks its
 * process, so it should be short; but each has a cost of its own.
 */
export class StepPace {
  #steps = 8;

  get steps(): number {
    return this.#steps;
  }

  /** Learns from a run of `steps` steps that took `ms` milliseconds. */
  observe(steps: number, ms: number): void {
    const ideal = Math.floor((runMs * steps) / Math.max(ms, 0.001));
    this.#steps = Math.max(1, Math.min(ideal, this.#steps * growthMax));
  }
}

export function integer(value: number): Tensor {
  return { type: "int64", dims: [], data: BigInt64Array.of(BigInt(value)) };
}

function sum(values: Float32Array): number {
  return values.reduce((total, value) => total + value, 0);
}

/** What one run should take, milliseconds. */
const runMs = 300;
/** The first runs of a session are slower than the rest; the pace grows only so fast on their word. */
const growthMax = 8;
