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
import { endStatuses } from "../watch/follow-job.ts";
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
    if (options.json) writeJson(terminal.stdout, { job: started });
    else terminal.stdout.write(`${stateText(started)}\n${session.next(`job watch ${id}`)}`);
    return exitCodes.ok;
  });
}

/** The same id and file start nothing twice; then it may be anywhere. */
function stateText({ id, rounds, roundsCompleted, status }: Job): string {
  if (roundsCompleted > 0 || endStatuses.has(status)) {
    return `job ${id} is there already: ${status}, ${roundsCompleted} of ${rounds} rounds`;
  }
  return `job ${id} started: ${rounds} ${rounds === 1 ? "round" : "rounds"}`;
}

/** The plan's name and a suffix of its own: "digits-3f9a1c". */
function newJobId(name: string): string {
  const suffix = `-${randomBytes(3).toString("hex")}`;
  return name.slice(0, limits.nameLengthMax - suffix.length).replace(/[^a-z0-9]+$/, "") + suffix;
}
