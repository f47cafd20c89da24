import { SelvedgeError } from "@selvedge/protocol";
import type { AdaptiveOptions } from "./server-optimizers/adaptive-moments.ts";
import { fedAdagrad } from "./server-optimizers/fed-adagrad.ts";
import { fedAdam } from "./server-optimizers/fed-adam.ts";
import { fedAvg } from "./server-optimizers/fed-avg.ts";
import { fedAvgM } from "./server-optimizers/fed-avg-m.ts";
import { fedYogi } from "./server-optimizers/fed-yogi.ts";
import { nesterov } from "./server-optimizers/nesterov.ts";
import type { ServerOptimizer } from "./server-optimizers/server-optimizer.ts";

/** Numbers a plan gives its server optimizer; those that are absent are the papers' own. */
export interface ServerOptimizerOptions {
  /** Server learning rate, > 0; 1 when absent. */
  readonly learningRate?: number | undefined;
  /** Of fedavgm and nesterov; 0.9 when absent. */
  readonly momentum?: number | undefined;
  /** Of the adaptive ones; 0.9 when absent, of fedadagrad 0. */
  readonly beta1?: number | undefined;
  /** Of fedadam and fedyogi; 0.99 when absent. */
  readonly beta2?: number | undefined;
  /** Of the adaptive ones; 0.001 when absent. */
  readonly epsilon?: number | undefined;
  /** Of the adaptive ones; 0 when absent. */
  readonly initialAccumulator?: number | undefined;
}

/** @throws SelvedgeError `not_found`, listing the names there are; `invalid_argument` for a bad option */
export function serverOptimizerNamed(name: string, options: ServerOptimizerOptions = {}): ServerOptimizer {
  const make = catalog.get(name);
  if (make !== undefined) return make(options);
  throw new SelvedgeError("not_found", `no server optimizer "${name}"`, {
    at: "plan.server_optimizer.name",
    fix: `use one of: ${[...catalog.keys()].join(", ")}`,
  });
}

const catalog: ReadonlyMap<string, (options: ServerOptimizerOptions) => ServerOptimizer> = new Map([
  ["fedavg", ({ learningRate = 1 }) => fedAvg(learningRate)],
  ["fedavgm", ({ learningRate = 1, momentum = 0.9 }) => fedAvgM(learningRate, momentum)],
  ["nesterov", ({ learningRate = 1, momentum = 0.9 }) => nesterov(learningRate, momentum)],
  ["fedadagrad", (options) => fedAdagrad(adaptive(options, 0))],
  ["fedadam", ({ beta2 = 0.99, ...options }) => fedAdam(adaptive(options, 0.9), beta2)],
  ["fedyogi", ({ beta2 = 0.99, ...options }) => fedYogi(adaptive(options, 0.9), beta2)],
]);

function adaptive(
  { learningRate = 1, beta1, epsilon = 1e-3, initialAccumulator = 0 }: ServerOptimizerOptions,
  beta1Default: number,
): AdaptiveOptions {
  return { learningRate, beta1: beta1 ?? beta1Default, epsilon, initialAccumulator };
}
