import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { type Job, limits } from "@selvedge/protocol";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { readJobFile } from "../job-file/job-file.ts";
import { loadModel } from "../job-file/load-model.ts";
import { withOperator } from "../operator/operator-session.ts";
import { submitJob } from "../operator/submit-job.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";
import { watchJob } from "../watch/watch-job.ts";

export interface JobRunOptions extends OperatorOptions {
  readonly set: readonly string[];
  readonly id?: string;
  readonly watch?: true;
}

/** Reads and checks the job, uploads its model, signs its plan and starts it. */
export async function run(terminal: Terminal, options: JobRunOptions, path: string): Promise<ExitCode> {
  const job = await readJobFile(resolve(terminal.workingFolder, path), options.set);
  const model = await loadModel(job);
  const id = options.id ?? newJobId(job.name);
  return withOperator(terminal, options, async (session) => {
    const started = await submitJob(session, job, model, id, terminal.interrupted);
    if (options.watch) {
      terminal.stderr.write(`job ${id} started\n`);
      return watchJob(terminal, session, id, options.json === true);
    }
    report(terminal, options, started);
    return exitCodes.ok;
  });
}

function report(terminal: Terminal, { json }: JobRunOptions, job: Job): void {
  if (json) writeJson(terminal.stdout, { job });
  else {
    terminal.stdout.write(
      `job ${job.id} started: ${job.rounds} rounds\nnext: selvedge job watch ${job.id}\n`,
    );
  }
}

/** The plan's name and a suffix of its own: "digits-3f9a1c". */
function newJobId(name: string): string {
  const suffix = `-${randomBytes(3).toString("hex")}`;
  return name.slice(0, limits.nameLengthMax - suffix.length).replace(/[^a-z0-9]+$/, "") + suffix;
}
