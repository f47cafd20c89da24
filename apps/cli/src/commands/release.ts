import { blobReferenceOf, type Job, SelvedgeError } from "@selvedge/protocol";
import { addRelease, type Release, readKeyFile, type SigningKey } from "@selvedge/registry";
import { fileError } from "@selvedge/storage";
import { type OperatorSession, withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface ReleaseOptions extends OperatorOptions {
  /** Of the model; that of the job's plan when absent. */
  readonly name?: string;
}

/** Signs the model of a completed job with the release key, as the next version of its name. */
export async function run(terminal: Terminal, options: ReleaseOptions, id: string): Promise<void> {
  const release = await withOperator(terminal, options, async (session) => {
    const { releaseKeyPath } = session.file;
    const key = await readKeyFile(releaseKeyPath).catch((thrown: unknown) => {
      throw fileError(thrown, releaseKeyPath);
    });
    const { job } = await session.client.getJob({ job: id }, session.call);
    const unversioned = {
      ...completedModel(job, id),
      ...(options.name !== undefined && { name: options.name }),
    };
    return publish(session, unversioned, key, terminal.now());
  });
  if (options.json) return writeJson(terminal.stdout, { release });
  const { name, version, blob } = release;
  terminal.stdout.write(`released ${name}@${version} (${blob.digest})\nnext: selvedge device list\n`);
}

function completedModel(job: Job | undefined, id: string): Omit<Release, "version"> {
  if (job?.model !== undefined) {
    return { name: job.name, job: job.id, blob: blobReferenceOf(job.model, `job ${id}: model`) };
  }
  throw new SelvedgeError("failed_precondition", `the job is ${job?.status}: it has no model to release`, {
    at: `job ${id}`,
    fix: isGoingOn(job) ? `wait until it is completed: selvedge job watch ${id}` : "run the job again",
  });
}

function isGoingOn(job: Job | undefined): boolean {
  return job?.status === "waiting" || job?.status === "running";
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
