import { setTimeout as sleep } from "node:timers/promises";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { DeviceNames } from "../operator/device-names.ts";
import type { OperatorSession } from "../operator/operator-session.ts";
import { refusalsOf } from "../output/refusals.ts";
import type { Terminal } from "../terminal.ts";
import { followJob } from "./follow-job.ts";
import { createJobView } from "./job-view.ts";

/** Shows a job until it ends. @returns `failed` unless it completed. */
export async function watchJob(
  terminal: Terminal,
  session: OperatorSession,
  job: string,
  json: boolean,
): Promise<ExitCode> {
  const signal = terminal.interrupted;
  const { client, next } = session;
  const names = new DeviceNames(session);
  const view = createJobView(terminal, json, (device) => names.of(device));
  const news = followJob({
    open: () => client.watchJob({ job }, { signal }),
    pause: (ms) => sleep(ms, undefined, { signal }),
  });
  let hasModel = false;
  try {
    for await (const entry of news) {
      if (entry.type === "round") await names.learn(refusalsOf(entry.round).map(({ device }) => device));
      view.show(entry);
      if (entry.type !== "ended") continue;
      if (entry.job.status !== "completed") return exitCodes.failed;
      hasModel = entry.job.model !== undefined;
    }
    if (!json && hasModel) terminal.stdout.write(next(`release ${job}`));
    return exitCodes.ok;
  } finally {
    view.close();
  }
}
