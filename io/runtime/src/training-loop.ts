import type { Dataset } from "@selvedge/datasets";
import { initialState, type ParameterLayout, ports, type TrainingGraph } from "@selvedge/onnx";
import { digestOf, SeededRandom, SelvedgeError } from "@selvedge/protocol";
import {
  BatchTally,
  datasetFeeds,
  floatsOf,
  type GraphSession,
  integer,
  namedFeeds,
  orderFeeds,
  parameterTensors,
  StepPace,
} from "./batch-run.ts";
import type { Tensor, Tensors } from "./tensor.ts";

export interface TrainingRun {
  /** Where training starts; not changed. */
  readonly parameters: Float32Array;
  readonly dataset: Dataset;
  /** Indices of the examples to train on. */
  readonly examples: Int32Array;
  /** The part of the dataset that the device has; all of it when absent. */
  readonly rows?: Int32Array;
  readonly epochs: number;
  /** So many steps instead, over and over the examples; absent or 0: those of the epochs. */
  readonly steps?: number;
  /** Once `now` says so, no more steps begin: the result is what was trained by then, at least one run. */
  readonly until?: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /**
   * What the learning rate is multiplied by in each step, for a graph that takes one for each: a
   * function of the share of the run's steps that are done, 0 <= x < 1, and of the share one takes.
   */
  readonly rateFactor?: (done: number, each: number) => number;
  /** Decides the order of the examples in each epoch, and what dropout leaves out. */
  readonly seed: string | number;
  /** What the optimizer had kept after earlier steps; that before the first when absent. Not changed. */
  readonly state?: OptimizerProgress;
  /** What a proximal term pulls towards; `parameters` when absent. */
  readonly anchor?: Float32Array;
  /** The gradient that is added to every one, for a graph that takes it; zero when absent. */
  readonly correction?: Float32Array;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Milliseconds that only go up; `performance.now` when absent. */
  readonly now?: () => number;
}

/** Where an optimizer stands: what a checkpoint has to keep beside the parameters. */
export interface OptimizerProgress {
  /** As the graph's state layout has it. */
  readonly values: Float32Array;
  /** Steps taken. */
  readonly steps: number;
}

export interface TrainingProgress {
  readonly steps: number;
  readonly stepsTotal: number;
  /** Means since the start of the training. */
  readonly loss: number;
  /** Absent where targets are no classes. */
  readonly accuracy?: number;
}

export interface TrainingResult {
  readonly parameters: Float32Array<ArrayBuffer>;
  readonly state: OptimizerProgress;
  readonly steps: number;
  /** Mean over all steps. */
  readonly learningRate: number;
  /** Mean over all examples of all epochs, each measured just before it was learned from. */
  readonly loss: number;
  /** Absent where targets are no classes. */
  readonly accuracy?: number;
}

/**
 * Runs a training graph over a dataset, many steps a run. The result does not
 * depend on how the steps are cut into runs: the same inputs and seed give the
 * same bits on the same runtime.
 *
 * Epoch e visits the examples in the order of
 * `SeededRandom.fromSeed("epoch", seed, e).shuffle`; the last batch may be short.
 *
 * @throws SelvedgeError `failed_precondition` when dataset and model do not fit or there are no
 *   examples, `invalid_argument` for an impossible batch size, rate or number of epochs
 */
export async function runTraining(
  session: GraphSession,
  graph: TrainingGraph,
  run: TrainingRun,
): Promise<TrainingResult> {
  checkRun(run);
  const { batchSize, learningRate, examples, seed, now = () => performance.now() } = run;
  const { until = Number.POSITIVE_INFINITY } = run;
  const constant = {
    ...datasetFeeds(graph, run.dataset, batchSize),
    [ports.learningRate]: { type: "float32", dims: [], data: Float32Array.of(learningRate) } satisfies Tensor,
    ...termFeeds(graph, run),
    ...(graph.isRandom && { [ports.seed]: integer(noiseSeed(run)) }),
  };
  const begun = run.state ?? { values: initialState(graph.state), steps: 0 };
  checkLength(graph.state.layout, begun.values);
  const stepSize = batchSize * graph.accumulate;
  const stepsTotal = run.steps || run.epochs * Math.ceil(examples.length / stepSize);
  const rates = graph.scheduled ? ratesOf(run, stepsTotal) : null;
  const tally = new BatchTally();
  const pace = new StepPace();
  let parameters = parameterTensors(graph.layout, run.parameters);
  let state = parameterTensors(graph.state.layout, begun.values);
  let steps = 0;
  let isOver = false;
  for (let epoch = 0; !isOver; epoch += 1) {
    const order = Int32Array.from(examples);
    SeededRandom.fromSeed("epoch", seed, epoch).shuffle(order);
    for (let start = 0, end = 0; start < order.length && !isOver; start = end) {
      end = Math.min(order.length, start + Math.min(pace.steps, stepsTotal - steps) * stepSize);
      const feeds = orderFeeds(order.subarray(start, end), stepSize);
      const ran = Math.ceil((end - start) / stepSize);
      const began = now();
      const outputs = await session.run({
        ...constant,
        ...feeds,
        ...namedFeeds(graph.parameters, parameters),
        ...namedFeeds(graph.state.inputs, state),
        ...(rates && { [ports.learningRate]: ratesAt(rates.subarray(steps, steps + ran)) }),
        ...(graph.isCounting && { [ports.stepsBefore]: integer(begun.steps + steps) }),
      });
      pace.observe(ran, now() - began);
      parameters = updatedTensors(outputs, graph.updated, parameters);
      state = updatedTensors(outputs, graph.state.outputs, state);
      tally.add(outputs);
      steps += ran;
      run.onProgress?.({ steps, stepsTotal, ...tally.means });
      isOver = steps === stepsTotal || now() >= until;
    }
  }
  return {
    parameters: joined(graph.layout, parameters),
    state: { values: joined(graph.state.layout, state), steps: begun.steps + steps },
    steps,
    learningRate: rates === null ? learningRate : meanOf(rates.subarray(0, steps)),
    ...tally.means,
  };
}

/** Devices of one round have one seed: what they leave out differs by their data, and is the same again for the same (SPEC RE2). */
function noiseSeed({ seed, dataset: { inputs, length }, rows }: TrainingRun): number {
  const data = new Uint8Array(inputs.buffer, inputs.byteOffset, inputs.byteLength);
  const each = inputs.byteLength / length;
  const few = rows?.subarray(0, Math.ceil(seedingBytesMax / each));
  const own =
    few === undefined
      ? data
      : Buffer.concat(Array.from(few, (row) => data.subarray(row * each, (row + 1) * each)));
  const digest = digestOf(own.subarray(0, seedingBytesMax));
  return SeededRandom.fromSeed("noise", seed, digest).uniform() * 2 ** 53;
}

/** Of each step of the whole run. */
function ratesOf({ learningRate, rateFactor = () => 1 }: TrainingRun, steps: number): Float32Array {
  return Float32Array.from(
    { length: steps },
    (_, step) => learningRate * rateFactor(step / steps, 1 / steps),
  );
}

function meanOf(rates: Float32Array): number {
  return rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
}

function ratesAt(data: Float32Array): Tensor {
  return { type: "float32", dims: [data.length], data };
}

function termFeeds(graph: TrainingGraph, { parameters, anchor, correction }: TrainingRun): Tensors {
  const feeds = (names: readonly (string | undefined)[], values: Float32Array): Tensors => {
    const tensors = parameterTensors(graph.layout, values);
    return Object.fromEntries(
      names.flatMap((name, index) => {
        const tensor = tensors[index];
        return name === undefined || tensor === undefined ? [] : [[name, tensor]];
      }),
    );
  };
  return {
    ...feeds(graph.anchors, anchor ?? parameters),
    ...feeds(graph.corrections, correction ?? new Float32Array(graph.layout.length)),
  };
}

function checkRun({ examples, epochs, steps = 0, learningRate }: TrainingRun): void {
  if (examples.length === 0) {
    throw new SelvedgeError("failed_precondition", "there are no examples to train on", {
      fix: "give a larger dataset, or hold out a smaller share of it",
    });
  }
  if (!Number.isSafeInteger(epochs) || epochs < 1) {
    throw new SelvedgeError("invalid_argument", `${epochs} is no number of epochs`);
  }
  if (!Number.isSafeInteger(steps) || steps < 0) {
    throw new SelvedgeError("invalid_argument", `${steps} is no number of steps`);
  }
  if (!Number.isFinite(learningRate) || learningRate <= 0) {
    throw new SelvedgeError("invalid_argument", `${learningRate} is no learning rate`);
  }
}

/** What a run has made of tensors; where it has no output for one, that stays. */
function updatedTensors(
  outputs: Tensors,
  names: readonly (string | undefined)[],
  before: readonly Tensor[],
): Tensor[] {
  return before.map((tensor, index) => {
    const name = names[index];
    return name === undefined
      ? tensor
      : { type: "float32", dims: tensor.dims, data: floatsOf(outputs, name) };
  });
}

function joined(layout: ParameterLayout, tensors: readonly Tensor[]): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(layout.length);
  for (const [index, { offset }] of layout.slots.entries()) {
    const tensor = tensors[index];
    if (tensor?.type === "float32") flat.set(tensor.data, offset);
  }
  return flat;
}

function checkLength(layout: ParameterLayout, flat: Float32Array): void {
  if (flat.length === layout.length) return;
  throw new SelvedgeError(
    "invalid_argument",
    `the optimizer keeps ${layout.length} numbers, and was given ${flat.length}`,
    { fix: "go on with the state of the same model, optimizer and frozen parameters" },
  );
}

/** How much of the data noise is seeded with: enough to tell devices apart, and hashed in no time. */
const seedingBytesMax = 65_536;
