import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Terminal } from "../terminal.ts";

/** What a service tells whoever supervises it. */
export interface ServiceManager {
  /** Says that the service is up, and from then on, as often as asked, that it is alive. */
  ready(): Promise<void>;
  /** Says that the service is about to end; nothing is said after that. */
  stopping(): Promise<void>;
}

export interface ServiceHealth {
  /** Rejects when the service cannot do its work and would after a restart. Never asks another machine. */
  check(): Promise<void>;
  /** Told when the service is not well, and so will be restarted. */
  onTrouble(error: unknown): void;
}

/**
 * systemd's side of sd_notify(3), when it started us (NOTIFY_SOCKET is set); else nobody's. Node cannot send
 * the datagrams itself, so each goes through systemd-notify(1): units need `NotifyAccess=all`.
 *
 * With `WatchdogSec=` in the unit (WATCHDOG_USEC is set) it says twice in that time that the service is alive,
 * as long as its event loop turns and its own check passes.
 */
export function serviceManager({ env }: Pick<Terminal, "env">, health: ServiceHealth): ServiceManager {
  if (env.NOTIFY_SOCKET === undefined || env.NOTIFY_SOCKET === "") return unsupervised;
  const notify = notifier(env, health.onTrouble);
  const watchdogMs = watchdogTimeout(env);
  let beat: NodeJS.Timeout | undefined;
  let isStopping = false;
  const tell = (): void => {
    health.check().then(() => (isStopping ? undefined : notify("WATCHDOG=1")), health.onTrouble);
  };
  return {
    async ready() {
      await notify("READY=1");
      if (watchdogMs !== undefined) beat = setInterval(tell, watchdogMs / 2);
    },
    async stopping() {
      isStopping = true;
      clearInterval(beat);
      await notify("STOPPING=1");
    },
  };
}

/** WATCHDOG_PID names the service's main process, which may be the launcher; else it was inherited past it. */
function watchdogTimeout(env: Terminal["env"]): number | undefined {
  const pid = env.WATCHDOG_PID ?? "";
  const isOurs = pid === "" || pid === String(process.pid) || pid === String(process.ppid);
  const microseconds = Number(env.WATCHDOG_USEC);
  return isOurs && microseconds > 0 ? microseconds / 1_000 : undefined;
}

function notifier(
  env: Terminal["env"],
  onTrouble: (error: unknown) => void,
): (state: string) => Promise<void> {
  return async (state) => {
    try {
      await run("systemd-notify", [state], { env, timeout: notifyTimeoutMs });
    } catch (thrown) {
      // Being silent is what the supervisor acts on; the service itself goes on.
      onTrouble(thrown);
    }
  };
}

const unsupervised: ServiceManager = { ready: async () => {}, stopping: async () => {} };
const run = promisify(execFile);
const notifyTimeoutMs = 10_000;
