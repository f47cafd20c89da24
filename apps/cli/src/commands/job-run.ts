import { resolve } from "node:path";
import type { ExitCode } from "../exit-codes.ts";
import { readJobFile } from "../job-file/job-file.ts";
import { loadModel } from "../job-file/load-model.ts";
import { withOperator } from "../operator/operator-session.ts";
import { startJob } from "../operator/start-job.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface JobRunOptions extends OperatorOptions {
  readonly set: readonly string[];
  readonly id?: string;
  readonly watch?: true;
}

/** Reads and checks the job, uploads its model, signs its plan and starts it. */
export async function run(terminal: Terminal, options: JobRunOptions, path: string): Promise<ExitCode> {
  const job = await readJobFile(resolve(terminal.workingFolder, path), options.set);
  // What is wrong with the model is told before anybody is asked.
  if (job.from === undefined) await loadModel(job);
  return withOperator(terminal, options, (session) => startJob(terminal, session, options, job));
}
