import type { ExitCode } from "../exit-codes.ts";
import { withOperator } from "../operator/operator-session.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";
import { watchJob } from "../watch/watch-job.ts";

export function run(terminal: Terminal, options: OperatorOptions, job: string): Promise<ExitCode> {
  return withOperator(terminal, options, (session) =>
    watchJob(terminal, session, job, options.json === true),
  );
}
