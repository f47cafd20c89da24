import { type AdagradOptions, adagrad } from "./optimizers/adagrad.ts";
import { type AdamOptions, adam, adamW } from "./optimizers/adam.ts";
import type { OptimizerRule } from "./optimizers/optimizer-rule.ts";
import { type RmsPropOptions, rmsProp } from "./optimizers/rmsprop.ts";
import { type SgdOptions, sgd } from "./optimizers/sgd.ts";
import { requireName } from "./require-name.ts";
import { type OptionNames, requireOptions } from "./require-options.ts";

interface OptimizerOptions {
  readonly sgd: SgdOptions;
  readonly adam: AdamOptions;
  readonly adamw: AdamOptions;
  readonly rmsprop: RmsPropOptions;
  readonly adagrad: AdagradOptions;
}

export type OptimizerName = keyof OptimizerOptions;

/** An optimizer and its options; the learning rate is an input of the graph. */
export type Optimizer = {
  readonly [Name in OptimizerName]: { readonly name: Name } & OptimizerOptions[Name];
}[OptimizerName];

/**
 * @param optimizer a name stands for its default options
 * @throws SelvedgeError `invalid_argument` for a name that there is not, and for options out of range
 */
export function optimizerRule(optimizer: OptimizerName | Optimizer): OptimizerRule {
  return ruleOf(typeof optimizer === "string" ? { name: optimizer } : optimizer);
}

function ruleOf<Name extends OptimizerName>(
  optimizer: { readonly name: Name } & OptimizerOptions[Name],
): OptimizerRule {
  requireName("optimizer", optimizer.name, optimizers);
  requireOptions(`the optimizer ${optimizer.name}`, optimizer, {
    name: true,
    ...optionNames[optimizer.name],
  });
  return optimizers[optimizer.name](optimizer);
}

const optimizers: { readonly [Name in OptimizerName]: (options: OptimizerOptions[Name]) => OptimizerRule } = {
  sgd,
  adam,
  adamw: adamW,
  rmsprop: rmsProp,
  adagrad,
};

const adamOptions: OptionNames<AdamOptions> = { beta1: true, beta2: true, epsilon: true, weightDecay: true };

const optionNames: { readonly [Name in OptimizerName]: OptionNames<OptimizerOptions[Name]> } = {
  sgd: { momentum: true, nesterov: true, weightDecay: true },
  adam: adamOptions,
  adamw: adamOptions,
  rmsprop: { smoothing: true, momentum: true, centered: true, epsilon: true, weightDecay: true },
  adagrad: { rateDecay: true, initialSum: true, epsilon: true, weightDecay: true },
};
