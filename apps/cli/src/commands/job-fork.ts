import { SelvedgeError } from "@selvedge/protocol";
import type { ExitCode } from "../exit-codes.ts";
import { type JobFile, parseJobFile } from "../job-file/job-file.ts";
import { withOperator } from "../operator/operator-session.ts";
import { startJob } from "../operator/start-job.ts";
import type { Terminal } from "../terminal.ts";
import type { JobRunOptions } from "./job-run.ts";

export interface JobForkOptions extends JobRunOptions {
  /** The newest that there is when absent. */
  readonly round?: number;
}

/** Starts a job like another one, from the weights after one of its rounds. */
export async function run(terminal: Terminal, options: JobForkOptions, id: string): Promise<ExitCode> {
  return withOperator(terminal, options, async (session) => {
    const { source } = await session.client.getJob({ job: id }, session.call);
    return startJob(terminal, session, options, forkedFile(source, id, options));
  });
}

/** The job's own file, but for where it begins; its model is the one that the weights are in, unless one is set. */
function forkedFile(source: string, id: string, { round, set }: JobForkOptions): JobFile {
  if (source === "") {
    throw new SelvedgeError("failed_precondition", "the coordinator has no file of this job", {
      at: `job ${id}`,
      fix: `say \`from: { job: ${id} }\` in a job file, and start that with \`selvedge job run\``,
    });
  }
  const { model: _model, ...rest } = JSON.parse(source) as Record<string, unknown>;
  const from = { job: id, ...(round !== undefined && { round }) };
  return parseJobFile(JSON.stringify({ ...rest, from }), `job ${id}`, set);
}
