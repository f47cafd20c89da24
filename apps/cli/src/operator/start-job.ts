import { randomBytes } from "node:crypto";
import { type Job, limits } from "@selvedge/protocol";
import type { JobRunOptions } from "../commands/job-run.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { JobFile } from "../job-file/job-file.ts";
import { loadModel } from "../job-file/load-model.ts";
import { writeJson } from "../output/json.ts";
import type { Terminal } from "../terminal.ts";
import { endStatuses } from "../watch/follow-job.ts";
import { watchJob } from "../watch/watch-job.ts";
import { fetchStart } from "./fetch-start.ts";
import type { OperatorSession } from "./operator-session.ts";
import { submitJob } from "./submit-job.ts";

/** Starts a job that was checked, with the weights that it begins with, and follows it where that is asked for. */
export async function startJob(
  terminal: Terminal,
  session: OperatorSession,
  options: JobRunOptions,
  job: JobFile,
): Promise<ExitCode> {
  const start = await fetchStart(session, job, terminal.interrupted);
  const model = await loadModel(job, start);
  const id = options.id ?? newJobId(job.name);
  const started = await submitJob(session, job, model, id, terminal.interrupted, start?.origin);
  if (options.watch) {
    terminal.stderr.write(`job ${id} started\n`);
    return watchJob(terminal, session, id, options.json === true);
  }
  if (options.json) writeJson(terminal.stdout, { job: started });
  else terminal.stdout.write(`${stateText(started)}\n${session.next(`job watch ${id}`)}`);
  return exitCodes.ok;
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
