import type {
  AggregatorSpec,
  DatasetRequest,
  LossOptions,
  OptimizerOptions,
  ServerOptimizerSpec,
  TrainTask,
} from "./gen/selvedge/v1/round_pb.js";
import { limits } from "./limits.ts";
import { accumulateMax, invalidPlan as invalid, oneOf } from "./plan-checks.ts";
import type { PlanTarget } from "./plan-target.ts";
import { checkAlgorithm } from "./planned-algorithms.ts";
import { checkStrategy } from "./planned-strategy.ts";

export type PlannedLoss =
  | "softmax-cross-entropy"
  | "binary-cross-entropy"
  | "mean-squared-error"
  | "mean-absolute-error"
  | "huber"
  | "kl-divergence"
  | "cosine"
  | "custom";
export type PlannedServerOptimizer =
  | "fedavg"
  | "fedavgm"
  | "nesterov"
  | "fedadagrad"
  | "fedadam"
  | "fedyogi"
  | "strategy";
export type PlannedOptimizer = "sgd" | "adam" | "adamw" | "rmsprop" | "adagrad";

type OptionOf<Message> = Exclude<keyof Message, `$${string}`>;

/** The losses of plans, and which options each has. */
export const plannedLosses: { readonly [Name in PlannedLoss]: readonly OptionOf<LossOptions>[] } = {
  "softmax-cross-entropy": ["classWeights", "labelSmoothing", "ignoreIndex", "axis"],
  "binary-cross-entropy": ["positiveWeight"],
  "mean-squared-error": [],
  "mean-absolute-error": [],
  huber: ["delta"],
  "kl-divergence": [],
  cosine: [],
  custom: [],
};

/** The optimizers of plans, and which options each has. */
export const plannedOptimizers: {
  readonly [Name in PlannedOptimizer]: readonly OptionOf<OptimizerOptions>[];
} = {
  sgd: ["momentum", "nesterov", "weightDecay"],
  adam: ["beta1", "beta2", "epsilon", "weightDecay"],
  adamw: ["beta1", "beta2", "epsilon", "weightDecay"],
  rmsprop: ["smoothing", "momentum", "centered", "epsilon", "weightDecay"],
  adagrad: ["rateDecay", "initialSum", "epsilon", "weightDecay"],
};

/** The server optimizers of plans, and which options each has beside the learning rate. */
const plannedServerOptimizers: {
  readonly [Name in PlannedServerOptimizer]: readonly OptionOf<ServerOptimizerSpec>[];
} = {
  fedavg: [],
  fedavgm: ["momentum"],
  nesterov: ["momentum"],
  fedadagrad: ["beta1", "epsilon", "initialAccumulator"],
  fedadam: ["beta1", "beta2", "epsilon", "initialAccumulator"],
  fedyogi: ["beta1", "beta2", "epsilon", "initialAccumulator"],
  strategy: [],
};

/** What a plan of plain averaging names its algorithm by: whether its training has settings that came after the first version (SPEC OF8). */
export function algorithmOf({
  lossOptions,
  optimizerOptions,
  gradientOptions,
  target,
  text,
  aggregator,
  frozen = [],
  personal = [],
  keepOptimizerState = false,
  accumulate = 0,
  schedule,
  personalModel,
  customLossOutput = "",
  partialWork = false,
  localSteps = 0,
}: Partial<
  Pick<
    TrainTask,
    | "frozen"
    | "personal"
    | "keepOptimizerState"
    | "accumulate"
    | "customLossOutput"
    | "partialWork"
    | "localSteps"
  >
> & {
  readonly schedule?: object | undefined;
  readonly personalModel?: object | undefined;
  readonly lossOptions?: object | undefined;
  readonly optimizerOptions?: object | undefined;
  readonly gradientOptions?: object | undefined;
  /** Of the dataset, as `text`. */
  readonly target?: object | undefined;
  readonly text?: object | undefined;
  /** As `laterAggregator` has it. */
  readonly aggregator?: object | undefined;
}): "fedavg" | "fedavg.2" {
  const options = [lossOptions, optimizerOptions, gradientOptions, target, text, schedule];
  const later = [...options, personalModel, aggregator].some((given) => given !== undefined);
  const isKeeping = personal.length > 0 || keepOptimizerState;
  const isOther = frozen.length > 0 || accumulate > 0 || customLossOutput !== "";
  const isLater = later || isKeeping || isOther || partialWork || localSteps > 0;
  return isLater ? "fedavg.2" : "fedavg";
}

/** Whether a loss tells classes apart, so that there is an accuracy. */
export function hasAccuracy(loss: string): boolean {
  return loss === "softmax-cross-entropy" || loss === "binary-cross-entropy";
}

/**
 * Checks how a plan says its model is trained.
 *
 * @param aggregator as `laterAggregator` has it
 * @throws SelvedgeError `invalid_argument` naming the field
 */
export function checkTrainingSettings(
  train: TrainTask,
  dataset: DatasetRequest,
  target: PlanTarget,
  aggregator: AggregatorSpec | undefined,
): void {
  const { loss, lossOptions, optimizer, optimizerOptions, gradientOptions } = train;
  oneOf("task.loss", loss, Object.keys(plannedLosses));
  oneOf("task.optimizer", optimizer, Object.keys(plannedOptimizers));
  checkLossOutput(train);
  checkAlgorithm(train, algorithmOf({ ...train, ...dataset, aggregator }));
  checkOptions("task.loss_options", loss, lossOptions, plannedLosses);
  checkOptions("task.optimizer_options", optimizer, optimizerOptions, plannedOptimizers);
  checkOptions("task.gradient_options", "gradients", gradientOptions, { gradients: gradients });
  checkLossOfTarget(loss, lossOptions, target);
  if (train.keepOptimizerState && optimizer === "sgd" && !((optimizerOptions?.momentum ?? 0) > 0)) {
    throw invalid("task.keep_optimizer_state", "sgd without momentum has nothing to keep");
  }
  if (train.accumulate > accumulateMax) {
    throw invalid("task.accumulate", `${train.accumulate} is above ${accumulateMax}`);
  }
  checkLocalSteps(train);
  checkPatterns("task.frozen", train.frozen);
  checkPatterns("task.personal", train.personal);
}

function checkLocalSteps({ localEpochs, localSteps }: TrainTask): void {
  if (localSteps > localStepsMax)
    throw invalid("task.local_steps", `${localSteps} is above ${localStepsMax}`);
  if (localSteps > 0 && localEpochs !== 1) {
    throw invalid("task.local_epochs", `${localEpochs} epochs stand beside ${localSteps} steps`);
  }
}

function checkLossOutput({ loss, customLossOutput: output }: TrainTask): void {
  if ((loss === "custom") === (output !== "") && output.length <= patternLengthMax) return;
  throw invalid(
    "task.custom_loss_output",
    `is for the loss "custom", and a name of at most ${patternLengthMax}`,
  );
}

/** @throws SelvedgeError `invalid_argument` naming the field */
export function checkServerOptimizer(spec: ServerOptimizerSpec | undefined): void {
  const { name = "", learningRate = 0, strategy = "", strategyOptions = {}, ...options } = spec ?? {};
  oneOf("server_optimizer", name, Object.keys(plannedServerOptimizers));
  checkStrategy(name, strategy, strategyOptions);
  if (!(learningRate > 0 && learningRate <= 1e6)) {
    throw invalid("server_optimizer.learning_rate", `${learningRate} is not above 0 and at most 1000000`);
  }
  checkOptions("server_optimizer", name, options, plannedServerOptimizers);
}

function checkPatterns(field: string, patterns: readonly string[]): void {
  if (patterns.length > limits.parameterPatternsMax) {
    throw invalid(field, `${patterns.length} patterns; at most ${limits.parameterPatternsMax}`);
  }
  const long = patterns.find((pattern) => pattern === "" || pattern.length > patternLengthMax);
  if (long !== undefined) throw invalid(field, `patterns have 1 to ${patternLengthMax} characters`);
}

function checkLossOfTarget(loss: string, options: LossOptions | undefined, target: PlanTarget): void {
  const isClass = target.kind === "class";
  const classes = isClass ? target.classes : 0;
  if (isClass && !hasAccuracy(loss) && loss !== "custom")
    throw invalid("task.loss", `${loss} learns numbers, the dataset has classes`);
  if (isClass && loss === "binary-cross-entropy" && classes !== 2) {
    throw invalid("task.loss", `binary-cross-entropy tells 2 classes apart, the dataset has ${classes}`);
  }
  const weights = options?.classWeights ?? [];
  if (weights.length > 0 && weights.length !== classes) {
    throw invalid("task.loss_options.class_weights", `${weights.length} weights for ${classes} classes`);
  }
  if (options?.ignoreIndex !== undefined && (!isClass || target.shape.length === 0)) {
    throw invalid("task.loss_options.ignore_index", "is for a class of each place");
  }
}

function checkOptions(
  field: string,
  name: string,
  options: object | undefined,
  allowed: Readonly<Record<string, readonly string[]>>,
): void {
  const own = allowed[name] ?? [];
  for (const [option, value] of Object.entries(options ?? {}) as [string, unknown][]) {
    const isSet = Array.isArray(value) ? value.length > 0 : value !== undefined;
    if (option.startsWith("$") || !isSet) continue;
    const at = `${field}.${option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
    if (!own.includes(option)) throw invalid(at, `"${name}" has only ${own.join(", ")}`);
    const [low, high] = settingRanges[option] ?? [0, 0];
    for (const number of [value].flat()) {
      if (typeof number === "boolean") continue;
      if (!(Number(number) >= low && Number(number) <= high)) {
        throw invalid(at, `${String(number)} is outside ${low} to ${high}`);
      }
    }
  }
}

const gradients = ["proximal", "clipValue", "clipNorm"];
const share = [0, 0.999_999] as const;
const positive = [Number.MIN_VALUE, 1e6] as const;
const natural = [0, 1e6] as const;

/** Of each option, the lowest and the highest value. */
export const settingRanges: Readonly<Record<string, readonly [number, number]>> = {
  classWeights: natural,
  labelSmoothing: share,
  positiveWeight: positive,
  ignoreIndex: [-(2 ** 31), 2 ** 31 - 1],
  delta: positive,
  axis: [1, 8],
  momentum: share,
  weightDecay: natural,
  beta1: share,
  beta2: share,
  epsilon: [1e-30, 1],
  smoothing: share,
  rateDecay: natural,
  initialSum: natural,
  initialAccumulator: natural,
  proximal: positive,
  alpha: positive,
  clipValue: positive,
  clipNorm: positive,
};

const patternLengthMax = 256;

/** A round has at most so many steps, where a plan counts them. */
export const localStepsMax = 1_000_000;
