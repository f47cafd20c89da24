import {
  type Aggregator,
  decodeServerOptimizerState,
  type JsonObject,
  plannedAlgorithm,
  type ServerAlgorithm,
  type ServerOptimizerState,
  serverAlgorithm,
  serverOptimizerNamed,
} from "@selvedge/learning";
import type { BlobReference, CheckedPlan } from "@selvedge/protocol";
import type { BlobWorkspace } from "@selvedge/storage";

/** The server's half of a plan's algorithm, with its server optimizer. */
export function algorithmOf({ plan, train }: CheckedPlan): ServerAlgorithm {
  const { name = "", ...options } = plan.serverOptimizer ?? {};
  return serverAlgorithm(plannedAlgorithm(train), serverOptimizerNamed(name, options));
}

/** What a job's aggregator kept after its last round, or begins with; `stored` is what `writeAggregatorState` made. */
export function readAggregatorState(stored: string | undefined, aggregator: Aggregator): JsonObject {
  return stored === undefined ? aggregator.initialState() : (JSON.parse(stored) as JsonObject);
}

/** As it rests in the job's record. */
export function writeAggregatorState(state: JsonObject): string {
  return JSON.stringify(state);
}

/** What it kept after the last round, or begins with. */
export async function readServerState(
  stored: BlobReference | null,
  algorithm: ServerAlgorithm,
  parameters: number,
  blobs: BlobWorkspace,
): Promise<ServerOptimizerState> {
  return stored === null
    ? algorithm.init(parameters)
    : decodeServerOptimizerState(await blobs.get(stored.digest));
}
