import {
  decodeServerOptimizerState,
  type ServerOptimizerResult,
  type ServerOptimizerState,
} from "@selvedge/learning";
import { type BlobReference, type CheckedPlan, SelvedgeError } from "@selvedge/protocol";
import type { BlobWorkspace } from "@selvedge/storage";
import { runStrategy } from "../strategies/strategy-process.ts";
import { algorithmOf, readServerState } from "./server-state.ts";

/** Where the strategies are that a plan may name. */
export interface Strategies {
  /** @throws SelvedgeError `not_found` */
  pathOf(digest: string): Promise<string>;
}

export interface CombinedRound {
  /** What the server's half kept; null before the first round. */
  readonly stored: BlobReference | null;
  readonly base: Float32Array;
  readonly mean: Float64Array;
  readonly contributors: number;
}

/** The round's model, by the plan's server optimizer or the strategy that it names. */
export async function serverStep(
  plan: CheckedPlan,
  { stored, base, mean, contributors }: CombinedRound,
  strategies: Strategies,
  blobs: BlobWorkspace,
): Promise<ServerOptimizerResult> {
  const { name, strategy = "", strategyOptions = {}, learningRate = 1 } = plan.plan.serverOptimizer ?? {};
  if (name === "strategy") {
    const round = { options: { ...strategyOptions }, learningRate, contributors };
    const state = await readState(stored, blobs);
    return runStrategy(await strategies.pathOf(strategy), { state, base, meanUpdate: mean, round });
  }
  const algorithm = algorithmOf(plan);
  const state = await readServerState(stored, algorithm, base.length, blobs);
  return algorithm.update(state, base, mean, contributors);
}

async function readState(
  stored: BlobReference | null,
  blobs: BlobWorkspace,
): Promise<ServerOptimizerState | null> {
  return stored === null ? null : decodeServerOptimizerState(await blobs.get(stored.digest));
}

export const noStrategies: Strategies = {
  pathOf: async (digest) => {
    throw new SelvedgeError("not_found", `no strategy ${digest} is installed here`, {
      at: "plan.server_optimizer.strategy",
    });
  },
};
