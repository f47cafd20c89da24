import { decodeSafetensors, type ParameterLayout, readParameters } from "@selvedge/onnx";
import {
  type BlobReference,
  type CheckedPlan,
  checkpointsOf,
  digestOf,
  type JobState,
  limits,
  SelvedgeError,
  type WeightsOrigin,
} from "@selvedge/protocol";
import type { ModelLayouts } from "./model-layouts.ts";
import type { JobRequest } from "./request-desk.ts";

/** What is known of those whose weights a job may begin with. */
export interface OriginChecks {
  readonly layouts: ModelLayouts;
  jobOf(job: string): JobState | undefined;
  /** The file of a released version; undefined when there is none. */
  released(model: string, version: number): BlobReference | undefined;
}

/**
 * Refuses a job that does not begin with the weights that it says (SPEC WS1).
 *
 * @param weights of the plan's own model, as a file
 * @throws SelvedgeError `not_found` naming what there is, or `invalid_argument`
 */
export async function checkOrigin(
  origin: WeightsOrigin | undefined,
  plan: CheckedPlan,
  weights: Uint8Array,
  checks: OriginChecks,
): Promise<void> {
  if (origin === undefined) return;
  const isSame =
    origin.kind === "round"
      ? weightsAfter(origin, checks).digest === digestOf(weights)
      : isOfRelease(origin, weights, await checks.layouts.of(plan.model), checks);
  if (await isSame) return;
  throw new SelvedgeError(
    "invalid_argument",
    "the plan's model does not come with the weights that it is said to",
    {
      at: "origin",
      fix: "start the job with `from` in its file, or with `selvedge job fork`",
    },
  );
}

/** @throws SelvedgeError `invalid_argument` for what cannot be kept */
export function checkKeeping({ keepEvery, source = "" }: JobRequest, { evaluate, plan }: CheckedPlan): void {
  if (Buffer.byteLength(source) > limits.jobSourceBytesMax)
    throw invalid("source", `the job file has more than ${limits.jobSourceBytesMax} bytes`);
  if (keepEvery === undefined) return;
  if (evaluate !== null) throw invalid("keep_every", "an evaluation makes no weights to keep");
  const checkpoints = (plan.schedule?.rounds ?? 0) / keepEvery;
  if (!Number.isInteger(keepEvery) || keepEvery < 1 || checkpoints > limits.checkpointsMax)
    throw invalid("keep_every", `the weights of at most ${limits.checkpointsMax} rounds are kept`);
}

function weightsAfter(
  { job, round }: Extract<WeightsOrigin, { kind: "round" }>,
  { jobOf }: OriginChecks,
): BlobReference {
  const state = jobOf(job);
  if (state === undefined)
    throw new SelvedgeError("not_found", `no job "${job.slice(0, 80)}"`, { at: "origin" });
  const kept = checkpointsOf(state);
  const found = kept.find((checkpoint) => checkpoint.round === round);
  if (found !== undefined) return found.weights;
  const rounds = kept.map((checkpoint) => checkpoint.round).join(", ");
  throw new SelvedgeError("not_found", `job ${job} has no weights of round ${round}`, {
    at: "origin",
    fix: kept.length === 0 ? "wait until a round is completed" : `there are those of ${rounds}`,
  });
}

async function isOfRelease(
  { model, version }: Extract<WeightsOrigin, { kind: "release" }>,
  weights: Uint8Array,
  layout: ParameterLayout,
  { layouts, released }: OriginChecks,
): Promise<boolean> {
  const blob = released(model, version);
  if (blob === undefined)
    throw new SelvedgeError("not_found", `no released model "${model.slice(0, 80)}@${version}"`, {
      at: "origin",
    });
  const theirs = readParameters(await layouts.model(blob), layout);
  return Buffer.compare(bytesOf(theirs), bytesOf(decodeSafetensors(weights, layout))) === 0;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function invalid(at: string, problem: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", problem, { at });
}
