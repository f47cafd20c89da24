import { type BinaryCrossEntropyOptions, binaryCrossEntropy } from "./losses/binary-cross-entropy.ts";
import { type CustomLossOptions, customLoss } from "./losses/custom.ts";
import { type HuberOptions, huber, meanAbsoluteError, meanSquaredError } from "./losses/distance.ts";
import { cosine, klDivergence } from "./losses/divergence.ts";
import type { LossRule } from "./losses/loss-rule.ts";
import { type SoftmaxCrossEntropyOptions, softmaxCrossEntropy } from "./losses/softmax-cross-entropy.ts";
import type { None } from "./operator.ts";
import { requireName } from "./require-name.ts";
import { type OptionNames, requireOptions } from "./require-options.ts";

export interface LossOptions {
  readonly "softmax-cross-entropy": SoftmaxCrossEntropyOptions;
  readonly "binary-cross-entropy": BinaryCrossEntropyOptions;
  readonly "mean-squared-error": None;
  readonly "mean-absolute-error": None;
  readonly huber: HuberOptions;
  readonly "kl-divergence": None;
  readonly cosine: None;
  /** An output of the model, which then has an input for the labels. */
  readonly custom: CustomLossOptions;
}

type AnyLossName = keyof LossOptions;

/** Losses that need no options. */
export type LossName = Exclude<AnyLossName, "custom">;

/** A loss and its options. */
export type Loss = {
  readonly [Name in AnyLossName]: { readonly name: Name } & LossOptions[Name];
}[AnyLossName];

/**
 * @param loss a name stands for its default options
 * @throws SelvedgeError `invalid_argument` for a name that there is not, and for options out of range
 */
export function lossRule(loss: LossName | Loss): LossRule {
  return ruleOf(typeof loss === "string" ? { name: loss } : loss);
}

/** The model's output that is the loss; undefined where it is none of its own. */
export function lossOutputOf(loss: LossName | Loss): string | undefined {
  return typeof loss === "object" && loss.name === "custom" ? loss.output : undefined;
}

function ruleOf<Name extends AnyLossName>(loss: { readonly name: Name } & LossOptions[Name]): LossRule {
  requireName("loss", loss.name, losses);
  requireOptions(`the loss ${loss.name}`, loss, { name: true, ...optionNames[loss.name] });
  return losses[loss.name](loss);
}

const losses: { readonly [Name in AnyLossName]: (options: LossOptions[Name]) => LossRule } = {
  "softmax-cross-entropy": softmaxCrossEntropy,
  "binary-cross-entropy": binaryCrossEntropy,
  "mean-squared-error": meanSquaredError,
  "mean-absolute-error": meanAbsoluteError,
  huber,
  "kl-divergence": klDivergence,
  cosine,
  custom: customLoss,
};

const optionNames: { readonly [Name in AnyLossName]: OptionNames<LossOptions[Name]> } = {
  "softmax-cross-entropy": {
    targets: true,
    axis: true,
    classWeights: true,
    labelSmoothing: true,
    ignoreIndex: true,
  },
  "binary-cross-entropy": { targets: true, positiveWeight: true },
  "mean-squared-error": {},
  "mean-absolute-error": {},
  huber: { delta: true },
  "kl-divergence": {},
  cosine: {},
  custom: { output: true },
};
