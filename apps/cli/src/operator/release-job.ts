import { blobReferenceOf, type Job, SelvedgeError } from "@selvedge/protocol";
import { addRelease, type Release, readKeyFile, type SigningKey } from "@selvedge/registry";
import { fileError } from "@selvedge/storage";
import type { OperatorSession } from "./operator-session.ts";

/**
 * Signs the model of a completed job with the release key, as the next version of its name.
 *
 * @param name - of the model; that of the job's plan when absent
 */
export async function releaseJob(
  session: OperatorSession,
  id: string,
  now: number,
  name?: string,
): Promise<Release> {
  const { path, releaseKeyPath } = session.file;
  if (releaseKeyPath === undefined) throw noReleaseKey(path);
  const key = await readKeyFile(releaseKeyPath).catch((thrown: unknown) => {
    throw fileError(thrown, releaseKeyPath);
  });
  const { job } = await session.client.getJob({ job: id }, session.call);
  const unversioned = { ...completedModel(job, id), ...(name !== undefined && { name }) };
  return publish(session, unversioned, key, now);
}

function noReleaseKey(path: string): SelvedgeError {
  return new SelvedgeError("failed_precondition", "this login has no key to sign releases with", {
    at: path,
    fix: "log in again and give it: selvedge login URL --token-file FILE --release-key FILE",
  });
}

function completedModel(job: Job | undefined, id: string): Omit<Release, "version"> {
  if (job?.model !== undefined) {
    return { name: job.name, job: job.id, blob: blobReferenceOf(job.model, `job ${id}: model`) };
  }
  throw new SelvedgeError("failed_precondition", `the job is ${job?.status}: it has no model to release`, {
    at: `job ${id}`,
    fix: wayToModel(job, id),
  });
}

function wayToModel(job: Job | undefined, id: string): string {
  if (job?.status === "waiting" || job?.status === "running")
    return `wait until it is completed: selvedge job watch ${id}`;
  return job?.status === "completed" ? "release a job that trained" : "run the job again";
}

/** Adds to the newest list; when somebody else released meanwhile, to theirs. */
async function publish(
  { client, call }: OperatorSession,
  unversioned: Omit<Release, "version">,
  key: SigningKey,
  now: number,
): Promise<Release> {
  for (let attempt = 1; ; attempt += 1) {
    const current = await client.getReleaseMetadata({}, call);
    const { targets, release } = addRelease(current.targets, unversioned, key, now);
    try {
      await client.publishRelease({ targets }, call);
      return release;
    } catch (thrown) {
      if (SelvedgeError.from(thrown).code !== "conflict" || attempt === attemptsMax) throw thrown;
    }
  }
}

const attemptsMax = 3;
