import { type CheckedPlan, hasAccuracy, type TrainTask, traitsOf } from "@selvedge/protocol";
import type { GradientTerms } from "./gradient-terms.ts";
import type { Loss } from "./losses.ts";
import type { Optimizer } from "./optimizers.ts";

/** What a training graph is compiled with, apart from model and data. */
export interface TrainingSettings {
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly terms: GradientTerms;
  readonly frozen: readonly string[];
  /** A step has so many times the examples that the model sees at once; 1 when absent. */
  readonly accumulate?: number;
}

/** What a device keeps for itself between rounds. */
export interface KeepingSettings {
  /** Patterns of the parameters that do not leave it. */
  readonly personal: readonly string[];
  /** Whether the optimizer goes on in the next round where it stopped. */
  readonly keepsOptimizer: boolean;
}

/** How a device trains a model of its own, beside the one that all learn. */
export interface PersonalModelSettings {
  /** "ditto": kept from round to round; "fine-tuning": begun anew from what is measured. */
  readonly kind: "ditto" | "fine-tuning";
  /** The pull towards the common model: this times the way from it. */
  readonly proximal: number;
  readonly localEpochs: number;
  readonly learningRate: number;
}

/** What a plan that was checked says of the devices' own models; null = nothing. */
export function plannedPersonalModel({ personalModel }: TrainTask): PersonalModelSettings | null {
  if (personalModel === undefined) return null;
  const { proximal, localEpochs, learningRate } = personalModel;
  return {
    kind: personalModel.kind === "ditto" ? "ditto" : "fine-tuning",
    proximal,
    localEpochs,
    learningRate,
  };
}

/** What a plan that was checked says of it. */
export function plannedKeeping({ personal, keepOptimizerState }: TrainTask): KeepingSettings {
  return { personal, keepsOptimizer: keepOptimizerState };
}

/**
 * The settings of a plan that was checked: names and options of loss and optimizer are of the closed
 * lists. Losses of classes take numbers, where those are learned, as probabilities.
 */
export function plannedTraining({ train, target }: Pick<CheckedPlan, "train" | "target">): TrainingSettings {
  const { classWeights = [], ...lossOptions } = setOptions(train.lossOptions);
  return {
    loss: {
      name: train.loss,
      ...(train.loss === "custom" && { output: train.customLossOutput }),
      ...lossOptions,
      ...(hasAccuracy(train.loss) && target.kind !== "class" && { targets: "probabilities" }),
      ...(Array.isArray(classWeights) && classWeights.length > 0 && { classWeights }),
    } as Loss,
    optimizer: { name: train.optimizer, ...setOptions(train.optimizerOptions) } as Optimizer,
    terms: {
      ...setOptions(train.gradientOptions),
      ...(train.alpha !== undefined && { proximal: train.alpha }),
      ...(traitsOf(train.algorithm).corrects && { correction: true }),
    },
    frozen: train.frozen,
    ...(train.accumulate > 1 && { accumulate: train.accumulate }),
  };
}

function setOptions(message: object | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(message ?? {}).filter(([name, value]) => !name.startsWith("$") && value !== undefined),
  );
}
