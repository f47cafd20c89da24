import { SelvedgeError } from "@selvedge/protocol";
import { fedAvg } from "./server-optimizers/fed-avg.ts";
import type { ServerOptimizer } from "./server-optimizers/server-optimizer.ts";

/** Numbers a plan gives its server optimizer. */
export interface ServerOptimizerOptions {
  /** Server learning rate, > 0; 1 when absent. */
  readonly learningRate?: number;
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
]);
