import { checkComposition } from "@selvedge/learning";
import { decodePlan, encodePlan, type Job, limits, SelvedgeError, signPlan } from "@selvedge/protocol";
import { buildPlan } from "../job-file/build-plan.ts";
import type { JobFile, JobModel } from "../job-file/job-file.ts";
import type { FetchedStart } from "./fetch-start.ts";
import { readOperatorKey } from "./operator-file.ts";
import type { OperatorSession } from "./operator-session.ts";

/**
 * Uploads a job's model, signs its plan with the operator's key, and starts it.
 *
 * @param id - chosen by the caller; the same job under the same id is started once
 * @param origin - whose weights the model comes with
 * @throws SelvedgeError as `checkComposition`, before anything is sent
 */
export async function submitJob(
  session: OperatorSession,
  job: JobFile,
  { reference, bytes }: JobModel,
  id: string,
  signal: AbortSignal,
  origin?: FetchedStart["origin"],
): Promise<Job> {
  const plan = encodePlan(buildPlan(job, reference));
  checkComposition(decodePlan(plan));
  const { path, operatorKeyPath } = session.file;
  if (operatorKeyPath === undefined) throw noPlanKey(path);
  const planSignature = signPlan(plan, await readOperatorKey(operatorKeyPath));
  await session.blobs.upload(reference, (start, end) => part(bytes, start, end), signal);
  const request = {
    ...{ job: id, plan, planSignature, evaluationDataset: job.evaluation },
    ...(origin !== undefined && { origin }),
    ...(job.task === "train" && { keepEvery: job.keepEvery ?? 0 }),
    source: job.source.length <= limits.jobSourceBytesMax ? job.source : "",
  };
  const { job: started } = await session.client.runJob(request, session.call);
  if (started !== undefined) return started;
  throw new SelvedgeError("internal", "the coordinator started a job and does not say which", {
    at: `job ${id}`,
  });
}

function noPlanKey(path: string): SelvedgeError {
  return new SelvedgeError("permission_denied", "this login has no key to sign plans with", {
    at: path,
    fix: "ask an admin for a token with the role operator, and log in with it",
  });
}

async function* part(bytes: Uint8Array, start: number, end: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(start, end);
}
