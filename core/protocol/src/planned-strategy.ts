import { isDigest } from "./digest.ts";
import { limits } from "./limits.ts";
import { invalidPlan as invalid } from "./plan-checks.ts";

/** What the options of a strategy are called. */
export const strategyOptionPattern: RegExp = /^[a-z][a-zA-Z0-9]{0,63}$/;

/**
 * A strategy is named by its digest, and told finite numbers; no other server optimizer has these.
 *
 * @throws SelvedgeError `invalid_argument` naming the field
 */
export function checkStrategy(
  serverOptimizer: string,
  digest: string,
  options: Readonly<Record<string, number>>,
): void {
  const given = Object.entries(options);
  if (serverOptimizer !== "strategy") {
    if (digest === "" && given.length === 0) return;
    throw invalid("server_optimizer.strategy", `"${serverOptimizer}" has none`);
  }
  if (!isDigest(digest)) throw invalid("server_optimizer.strategy", "is no SHA-256 digest");
  const field = "server_optimizer.strategy_options";
  if (given.length > limits.strategyOptionsMax)
    throw invalid(field, `${given.length} options; at most ${limits.strategyOptionsMax}`);
  for (const [option, value] of given) {
    if (strategyOptionPattern.test(option) && Number.isFinite(value)) continue;
    throw invalid(field, `${JSON.stringify(option)}: ${value} is no name with a finite number`);
  }
}
