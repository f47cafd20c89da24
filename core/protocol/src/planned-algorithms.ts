import type { Plan, TrainTask } from "./gen/selvedge/v1/round_pb.js";
import { accumulateMax, invalidPlan as invalid, oneOf, range } from "./plan-checks.ts";

/** Algorithms beside plain averaging: what each has devices do that plain averaging does not. */
export type NamedAlgorithm = "scaffold" | "feddyn" | "fednova" | "qfedavg" | "mimelite";

/** What an algorithm has devices do and send. */
export interface AlgorithmTraits {
  /** Whether a device keeps a vector for it, in step with the server's; then it counts the population. */
  readonly keeps: boolean;
  /** Whether a vector is added to the gradient of every step. */
  readonly corrects: boolean;
  /** Whether a vector of the server's travels with each offer. */
  readonly broadcasts: boolean;
  /** What a device measures of the round's base on all the examples it trains on. */
  readonly measures: "nothing" | "loss" | "gradient";
  /** What a device sends beside its update, each of the same shape. */
  readonly vectors: readonly string[];
  /** Single numbers that it sends behind these. */
  readonly numbers: readonly string[];
}

const averaging: AlgorithmTraits = {
  keeps: false,
  corrects: false,
  broadcasts: false,
  measures: "nothing",
  vectors: [],
  numbers: [],
};

const algorithms: { readonly [Name in NamedAlgorithm]: AlgorithmTraits } = {
  scaffold: { ...averaging, keeps: true, corrects: true, broadcasts: true, vectors: ["control"] },
  feddyn: { ...averaging, keeps: true, corrects: true },
  fednova: { ...averaging, numbers: ["steps"] },
  qfedavg: { ...averaging, measures: "loss", numbers: ["slope", "loss"] },
  mimelite: {
    ...{ ...averaging, corrects: true, broadcasts: true },
    ...{ measures: "gradient", vectors: ["gradient"] },
  },
};

/** Of a plan that was checked; plain averaging, under whatever name, has none. */
export function traitsOf(algorithm: string): AlgorithmTraits {
  return isNamed(algorithm) ? algorithms[algorithm] : averaging;
}

/** How many times the model's size a device sends, at most: what it sends beside the update has longer names. */
export function sentModels({ algorithm }: Pick<TrainTask, "algorithm">): number {
  const { vectors, numbers } = traitsOf(algorithm);
  return vectors.length + numbers.length === 0 ? 1 : (1 + vectors.length) * nameShare;
}

/**
 * The most bytes that a device sends.
 *
 * @param models as `sentModels` has it
 * @param base bytes of the model's parameters as a file
 */
export function sentBytes(models: number, base: number): number {
  return models === 1 ? base : Math.ceil(models * base) + numbersBytesMax;
}

/** How much a device keeps for itself between two rounds, at most, in sizes of the model; 0 = nothing. */
export function keptModels(train: TrainTask): number {
  const { algorithm, keepOptimizerState, optimizer, personal, personalModel } = train;
  const optimizers = keepOptimizerState ? (optimizerStates[optimizer] ?? 0) : 0;
  const models = [personal.length > 0, personalModel?.kind === "ditto", traitsOf(algorithm).keeps];
  return optimizers + models.filter((isKept) => isKept).length;
}

/**
 * Checks a plan's algorithm, and what it asks of the training.
 *
 * @param averaging what the plan names plain averaging by
 * @throws SelvedgeError `invalid_argument` naming the field
 */
export function checkAlgorithm(train: TrainTask, averaging: string): void {
  const { algorithm, alpha, population } = train;
  oneOf("task.algorithm", algorithm, [averaging, ...Object.keys(algorithms)]);
  if (traitsOf(algorithm).keeps !== population > 0) {
    throw invalid("task.population", `is ${population}; of scaffold and feddyn it counts all devices`);
  }
  if ((algorithm === "feddyn") !== (alpha !== undefined)) {
    throw invalid("task.alpha", "is for feddyn, which needs it");
  }
  if (alpha !== undefined && !(alpha > 0 && alpha <= 1e6)) {
    throw invalid("task.alpha", `${alpha} is not above 0 and at most 1000000`);
  }
  ownNumber("q", train.q, algorithm === "qfedavg", 0, 10);
  ownNumber("beta", train.beta, algorithm === "mimelite", 0, 0.999_999);
  if (isNamed(algorithm)) trainingOf[algorithm]?.(train);
}

/**
 * What an algorithm asks of the rest of the plan.
 *
 * @throws SelvedgeError `invalid_argument` naming the field
 */
export function checkTogether({ algorithm, population }: TrainTask, plan: Plan): void {
  if (!traitsOf(algorithm).keeps) return;
  const cohort = plan.schedule?.cohort ?? 0;
  if (population < cohort) {
    throw invalid("task.population", `${population} devices are fewer than the cohort, ${cohort}`);
  }
  if (algorithm === "feddyn" && plan.serverOptimizer?.learningRate !== 1) {
    throw invalid("server_optimizer.learning_rate", "feddyn has a server step of its own, at a rate of 1");
  }
}

/** A field that one algorithm needs, and no other has. */
function ownNumber(name: string, value: number | undefined, isOwn: boolean, low: number, high: number): void {
  if (isOwn !== (value !== undefined)) throw invalid(`task.${name}`, "is for one algorithm, which needs it");
  if (value !== undefined) range(`task.${name}`, value, low, high);
}

/** Whether it is one beside plain averaging. */
export function isNamed(algorithm: string): algorithm is NamedAlgorithm {
  return Object.hasOwn(algorithms, algorithm);
}

function trainsByPlainSgd({ algorithm, optimizer, optimizerOptions }: TrainTask): void {
  if (optimizer === "sgd" && !((optimizerOptions?.momentum ?? 0) > 0)) return;
  throw invalid("task.optimizer", `${algorithm} trains by sgd without momentum`);
}

/** What algorithms ask of the training's settings. */
const trainingOf: { readonly [Name in NamedAlgorithm]?: (train: TrainTask) => void } = {
  scaffold: trainsByPlainSgd,

  mimelite(train) {
    trainsByPlainSgd(train);
    const parts = Math.ceil(train.maxExamplesPerDevice / train.batchSize);
    if (parts <= accumulateMax) return;
    throw invalid("task.batch_size", `a gradient of ${parts} batches; at most ${accumulateMax}`);
  },

  feddyn({ gradientOptions }) {
    if (gradientOptions?.proximal === undefined) return;
    throw invalid("task.gradient_options.proximal", "feddyn has its own, alpha");
  },

  // Whose normalisation has to be the same sum of steps on every device.
  fednova({ optimizer, optimizerOptions, gradientOptions, learningRate, schedule }) {
    const proximal = gradientOptions?.proximal ?? 0;
    if (optimizer !== "sgd") throw invalid("task.optimizer", "fednova trains by sgd");
    if (proximal > 0 && (optimizerOptions?.momentum ?? 0) > 0)
      throw invalid("task.gradient_options.proximal", "fednova has it or momentum, not both");
    if (proximal * learningRate >= 1)
      throw invalid("task.gradient_options.proximal", "times the learning rate has to stay below 1");
    if (schedule?.byStep === true)
      throw invalid("task.schedule.by_step", "fednova has one rate for the steps of a round");
  },
};

/** Vectors of a model's size that an optimizer has, at most. */
const optimizerStates: Readonly<Record<string, number>> = {
  sgd: 1,
  adam: 2,
  adamw: 2,
  rmsprop: 3,
  adagrad: 1,
};

/** A tensor's entry in a file has more bytes than its section's name by far. */
const nameShare = 1.25;

/** Of the numbers behind the vectors, with their names. */
const numbersBytesMax = 512;
