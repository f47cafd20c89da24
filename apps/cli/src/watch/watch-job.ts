import { setTimeout as sleep } from "node:timers/promises";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { OperatorSession } from "../operator/operator-session.ts";
import type { Terminal } from "../terminal.ts";
import { followJob } from "./follow-job.ts";
import { createJobView } from "./job-view.ts";

/** Shows a job until it ends. @returns `failed` unless it completed. */
export async function watchJob(
  terminal: Terminal,
  { client, next }: OperatorSession,
  job: string,
  json: boolean,
): Promise<ExitCode> {
  const signal = terminal.interrupted;
  const view = createJobView(terminal, json);
  const news = followJob({
    open: () => client.watchJob({ job }, { signal }),
    pause: (ms) => sleep(ms, undefined, { signal }),
  });
  try {
    for await (const entry of news) {
      view.show(entry);
      if (entry.type === "ended" && entry.job.status !== "completed") return exitCodes.failed;
    }
    if (!json) terminal.stdout.write(next(`release ${job}`));
    return exitCodes.ok;
  } finally {
    view.close();
  }
}
