import { type Dataset, isSameLayout, reshapeExamples, type Targets } from "@selvedge/datasets";
import type { BinaryCounts } from "@selvedge/learning";
import { type BatchGraph, type InputFormat, type ParameterLayout, ports, slotOf } from "@selvedge/onnx";
import { SelvedgeError } from "@selvedge/protocol";
import type { Tensor, Tensors } from "./tensor.ts";

/** What running over batches needs of a session. */
export interface GraphSession {
  run(feeds: Tensors): Promise<Tensors>;
}

/** How a compiled graph has to take the examples of this dataset. */
export function inputFormatOf({ inputs, scale, targets }: Dataset): InputFormat {
  const learnsInput = targets.kind === "input";
  return { inputType: inputs instanceof Uint8Array ? "uint8" : "float32", scale, learnsInput };
}

/**
 * The feeds that stay the same from run to run; the dataset is not copied.
 *
 * @throws SelvedgeError `failed_precondition` when dataset and model differ in shape, classes or targets
 */
export function datasetFeeds(graph: BatchGraph, dataset: Dataset, batchSize: number): Tensors {
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
    ...targetFeeds(dataset, graph),
    [ports.batchSize]: integer(batchSize),
  };
}

/** Nothing where the graph learns its input. */
function targetFeeds({ name, length, targets }: Dataset, graph: BatchGraph): Tensors {
  const at = `dataset ${name}`;
  if (targets.kind === "input" && graph.learnsInput) return {};
  if (targets.kind === "input" || graph.learnsInput || !isLearned(targets, graph)) {
    const learned = graph.learnsInput ? "its input" : describe(graph.target.classes, graph.target.shape);
    const has = targets.kind === "input" ? "its input" : describe(classesOf(targets), targets.shape);
    throw new SelvedgeError("failed_precondition", `the loss learns ${learned}, and the dataset has ${has}`, {
      at,
      fix: "give a dataset of what the model and its loss learn, or choose another loss",
    });
  }
  const dims = [length, ...graph.target.shape];
  return {
    [ports.labels]:
      targets.kind === "class"
        ? { type: "int32", dims, data: targets.values }
        : { type: "float32", dims, data: targets.values },
  };
}

type GivenTargets = Exclude<Targets, { readonly kind: "input" }>;

function isLearned(targets: GivenTargets, { target }: BatchGraph): boolean {
  return classesOf(targets) === target.classes && isSameLayout(targets.shape, target.shape);
}

function classesOf(targets: GivenTargets): number | undefined {
  return targets.kind === "class" ? targets.classes : undefined;
}

function describe(classes: number | undefined, shape: readonly number[]): string {
  const each = `[${shape.join(", ")}]`;
  if (classes === undefined) return `numbers ${each} for each example`;
  return shape.length === 0 ? `one of ${classes} classes for each example` : `classes ${each} of ${classes}`;
}

/** The feeds of one run: which examples, and how many steps of so many of them it takes. */
export function orderFeeds(order: Int32Array, stepSize: number): Tensors {
  return {
    [ports.order]: { type: "int32", dims: [order.length], data: order },
    [ports.steps]: integer(Math.ceil(order.length / stepSize)),
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
}

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

/** Sums over the numbers that were predicted. */
export interface ErrorSums {
  /** Of |y - t|. */
  readonly absolute: number;
  /** Of (y - t)². */
  readonly squared: number;
  /** Of t, and of t². */
  readonly targets: number;
  readonly targetSquares: number;
}

/** Adds up over runs the errors of numbers. */
export class ErrorTally {
  #sums: readonly number[] | undefined;

  add(outputs: Tensors): void {
    const tensor = outputs[ports.errors];
    if (tensor?.type !== "float64") return;
    const sums = [...(this.#sums ?? [0, 0, 0, 0])];
    for (const [index, value] of tensor.data.entries()) sums[index % 4] = (sums[index % 4] ?? 0) + value;
    this.#sums = sums;
  }

  get errors(): { readonly errors?: ErrorSums } {
    if (this.#sums === undefined) return {};
    const [absolute = 0, squared = 0, targets = 0, targetSquares = 0] = this.#sums;
    return { errors: { absolute, squared, targets, targetSquares } };
  }
}

/** Sums over runs, in float64, what a graph gives of each batch. */
export class BatchTally {
  readonly #sums = new Map<string, number>();

  add(outputs: Tensors): void {
    for (const port of Object.keys(outputs)) {
      if (!isSum(port)) continue;
      this.#sums.set(port, (this.#sums.get(port) ?? 0) + sum(floatsOf(outputs, port)));
    }
  }

  /** undefined where the graph does not give it. */
  of(port: string): number | undefined {
    return this.#sums.get(port);
  }

  /** The mean that the loss is, and the share of right predictions, 0 to 1, where targets are classes and some count. */
  get means(): Means {
    const accuracy = this.#share(ports.correct, ports.counted);
    return {
      loss: this.#share(ports.loss, ports.weight) ?? Number.NaN,
      ...(accuracy !== undefined && { accuracy }),
    };
  }

  /** How often the class was among the k highest scores, by k. */
  get among(): { readonly among?: Readonly<Record<number, number>> } {
    const found = [...this.#sums].filter(([port]) => port.startsWith(amongPrefix));
    if (found.length === 0) return {};
    return {
      among: Object.fromEntries(found.map(([port, count]) => [port.slice(amongPrefix.length), count])),
    };
  }

  #share(part: string, whole: string): number | undefined {
    const [some, all] = [this.#sums.get(part), this.#sums.get(whole)];
    return some === undefined || all === undefined || all === 0 ? undefined : some / all;
  }
}

/** Whether an output has one number for each batch, of which the sum over batches means something. */
function isSum(port: string): boolean {
  return summed.has(port) || port.startsWith(amongPrefix);
}

const amongPrefix = `${ports.among}_`;

const summed: ReadonlySet<string> = new Set([
  ports.loss,
  ports.weight,
  ports.correct,
  ports.counted,
  ports.logLoss,
]);

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
