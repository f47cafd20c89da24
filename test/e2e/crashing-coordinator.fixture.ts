// A coordinator in a process of its own that kills itself, as `kill -9` does, where a test tells it to.

import { writeSync } from "node:fs";
import { type Coordinator, startCoordinator } from "@selvedge/coordinator";
import type { IdxSource } from "@selvedge/datasets";
import type { JobEffect } from "@selvedge/protocol";
import type { JournalHooks, Transaction } from "@selvedge/storage";
import { pino } from "pino";

export interface CoordinatorSettings {
  readonly folder: string;
  readonly storeUrl?: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly evaluationName: string;
  readonly evaluationData: IdxSource;
}

/** Around the commit that decides an effect, or around the effect itself. */
export interface CrashPoint {
  readonly when: keyof JournalHooks<JobEffect>;
  /** A receipt means that of an accepted contribution. */
  readonly effect: JobEffect["type"];
  /** Absent: the first one. */
  readonly round?: number;
}

export type ToCoordinator =
  | { readonly type: "start"; readonly settings: CoordinatorSettings }
  | { readonly type: "arm"; readonly point: CrashPoint };

export type FromCoordinator =
  | { readonly type: "started"; readonly port: number }
  | { readonly type: "armed" };

/** The last line of the log of a coordinator that crashed at its point. */
export interface CrashLine {
  readonly crashedAt: CrashPoint;
  /** Whom the effect was for. */
  readonly device: string | null;
}

let coordinator: Coordinator | undefined;
let armed: CrashPoint | undefined;

const hooks: JournalHooks<JobEffect> = {
  beforeCommit: (transaction) => crashInCommit("beforeCommit", transaction),
  afterCommit: (transaction) => crashInCommit("afterCommit", transaction),
  beforeEffect: (_job, effect) => crashIf("beforeEffect", effect),
  afterEffect: (_job, effect) => crashIf("afterEffect", effect),
};

process.on("message", (message: ToCoordinator) => {
  if (message.type === "start") void start(message.settings);
  else {
    armed = message.point;
    answer({ type: "armed" });
  }
});
// The test is gone.
process.on("disconnect", () => process.exit());
process.on("SIGTERM", () => void coordinator?.close().then(() => process.disconnect()));

async function start({ evaluationName, evaluationData, ...settings }: CoordinatorSettings): Promise<void> {
  coordinator = await startCoordinator({
    ...settings,
    host: "127.0.0.1",
    hosts: ["127.0.0.1"],
    trustDomain: "crashes.test",
    datasets: new Map([[evaluationName, evaluationData]]),
    log: pino(pino.destination({ fd: 2, sync: true })),
    hooks,
  });
  answer({ type: "started", port: coordinator.port });
}

function crashInCommit(when: CrashPoint["when"], { writes }: Transaction): Promise<void> | undefined {
  for (const { key, value } of writes) {
    // The journal's keys: what is written there and has a value is an effect that was decided.
    if (!key.startsWith("job/effect/") || value === undefined) continue;
    const crash = crashIf(when, value as JobEffect);
    if (crash !== undefined) return crash;
  }
  return undefined;
}

/** Resolves never: a process needs a moment to die, and must do nothing in it. */
function crashIf(when: CrashPoint["when"], effect: JobEffect): Promise<void> | undefined {
  if (armed?.when !== when || armed.effect !== effect.type) return undefined;
  if (armed.round !== undefined && armed.round !== roundOf(effect)) return undefined;
  if (effect.type === "receipt" && effect.verdict !== "accepted") return undefined;
  const line: CrashLine = { crashedAt: armed, device: "device" in effect ? effect.device : null };
  writeSync(2, `${JSON.stringify(line)}\n`);
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
}

function roundOf(effect: JobEffect): number | undefined {
  if (effect.type === "archiveRound") return effect.summary.number;
  return "round" in effect ? effect.round : undefined;
}

function answer(message: FromCoordinator): void {
  process.send?.(message);
}
