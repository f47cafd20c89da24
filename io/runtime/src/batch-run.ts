import type { Dataset } from "@selvedge/datasets";
import { reshapeExamples } from "@selvedge/datasets";
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

/**
 * The feeds that stay the same from run to run; the dataset is not copied.
 *
 * @throws SelvedgeError `failed_precondition` when dataset and model differ in shape or classes
 */
export function datasetFeeds(graph: BatchGraph, dataset: Dataset, batchSize: number): Tensors {
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new SelvedgeError("invalid_argument", `the batch size is ${batchSize}, not a positive integer`);
  }
  if (dataset.classes !== graph.classes) {
    throw new SelvedgeError(
      "failed_precondition",
      `the model tells ${graph.classes} classes apart and the dataset has ${dataset.classes}`,
      { at: `dataset ${dataset.name}`, fix: "give a dataset with as many classes as the model" },
    );
  }
  const { inputs, inputShape, labels, length } = reshapeExamples(dataset, graph.inputShape);
  const dims = [length, ...inputShape];
  return {
    [ports.examples]:
      inputs instanceof Uint8Array
        ? { type: "uint8", dims, data: inputs }
        : { type: "float32", dims, data: inputs },
    [ports.labels]: { type: "int32", dims: [length], data: labels },
    [ports.batchSize]: integer(batchSize),
  };
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

/** Sums loss and right predictions over runs, in float64. */
export class BatchTally {
  #loss = 0;
  #correct = 0;
  #examples = 0;

  add(outputs: Tensors, examples: number): void {
    this.#loss += sum(floatsOf(outputs, ports.loss));
    this.#correct += sum(floatsOf(outputs, ports.correct));
    this.#examples += examples;
  }

  /** Mean over the examples. */
  get loss(): number {
    return this.#loss / this.#examples;
  }

  /** 0 to 1. */
  get accuracy(): number {
    return this.#correct / this.#examples;
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
