import type { ServerOptimizerResult } from "@selvedge/learning";
import { Child } from "@selvedge/runtime";
import type { StrategyMethods } from "./strategy-methods.ts";

/**
 * One update, in a process of its own: what a strategy does wrong harms nothing but its job, and it
 * remembers nothing but its state.
 *
 * @throws SelvedgeError `invalid_argument` or `out_of_range` for what it does wrong, `deadline_exceeded`,
 *   `too_large` when it takes too much memory
 */
export async function runStrategy(
  path: string,
  given: StrategyMethods["update"]["argument"],
): Promise<ServerOptimizerResult> {
  const child = await Child.start<StrategyMethods>(new URL("./strategy-child.ts", import.meta.url), {
    startTimeoutMs,
    nodeOptions: ["--permission", "--allow-fs-read=*"],
  });
  try {
    child.limitMemory(memoryBytesMax);
    await child.call("load", { path }, { timeoutMs: updateTimeoutMs });
    return await child.call("update", given, { timeoutMs: updateTimeoutMs });
  } finally {
    await child.stop();
  }
}

/** Tries two rounds of a strategy on a small model. @throws what the strategy throws, and as its result is checked */
export async function tryStrategy(path: string): Promise<void> {
  const base = Float32Array.from({ length: trialParameters }, (_, index) => index / trialParameters);
  const meanUpdate = Float64Array.from(base, (value) => 0.1 - value);
  const round = { options: {}, learningRate: 1, contributors: 3 };
  const { state } = await runStrategy(path, { state: null, base, meanUpdate, round });
  await runStrategy(path, { state, base, meanUpdate, round });
}

const startTimeoutMs = 60_000;
const updateTimeoutMs = 600_000;
const memoryBytesMax = 8 * 2 ** 30;
const trialParameters = 16;
