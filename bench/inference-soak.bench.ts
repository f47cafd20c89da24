/**
 * A server at full load for long, then while its model is replaced again and again: what it holds in memory, and
 * whether a request fails. Run with `npm run bench -- inference-soak [--minutes 10] [--swaps 100] [--clients 32]`:
 * a table, a verdict, and last one line of JSON; it fails when a request did, or when memory grows.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Load, LoadResult } from "./inference/load-generator.ts";
import { writeModels } from "./inference/models.ts";
import type { ServedAt } from "./inference/our-server.ts";
import { requestFor } from "./inference/requests.ts";
import { Side } from "./side.ts";

/** What the garbage collector leaves differs by this much. */
const growthMax = 0.15;

interface Period {
  /** When it ended, from the start. */
  readonly seconds: number;
  readonly perSecond: number;
  readonly p99: number;
  readonly serverMiB: number;
  readonly modelMiB: number;
}

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    swaps: { type: "string", default: "100" },
    clients: { type: "string", default: "32" },
  },
});
const folder = mkdtempSync(join(tmpdir(), "selvedge-bench-"));
const generator = new Side(process.execPath, join(import.meta.dirname, "inference/load-generator.ts"));
const server = new Side(process.execPath, join(import.meta.dirname, "inference/our-server.ts"));

try {
  const [model] = writeModels(folder);
  if (model === undefined) throw new Error("no model");
  const at = await server.ask<ServedAt>({ model: model.path, batching: true });
  const periods: Period[] = [];
  let failed = 0;
  const seconds = 60 * Number(values.minutes);
  // Enough of them to compare halves, however short it is.
  const period = Math.min(60, seconds / 6);
  for (let ended = period; ended <= seconds; ended += period) {
    const result = await generator.ask<LoadResult>(loadOf(at, model.shape, period - 1));
    failed += result.failed;
    periods.push({
      seconds: ended,
      perSecond: Math.round(result.requests / result.seconds),
      p99: Math.round(1_000 * result.p99) / 1_000,
      serverMiB: residentMiB(server.pid),
      modelMiB: residentMiB(at.child),
    });
  }
  console.table(periods);
  const swapped = await swapUnderLoad(at, model.path, model.shape);
  const growth = growthOf(periods);
  failed += swapped.failed;
  const isSteady = Math.max(growth.serverGrowth, growth.modelGrowth) <= growthMax;
  console.log(
    `${failed} requests failed; memory of the server ${percent(growth.serverGrowth)}, of the model's process ` +
      `${percent(growth.modelGrowth)} from the first half to the second: ${isSteady ? "steady" : "it grows"}`,
  );
  console.log(
    JSON.stringify({
      benchmark: "inference-soak",
      ...growth,
      isSteady,
      ...swapped,
      failed,
      serverMiBAfterSwaps: residentMiB(server.pid),
    }),
  );
  process.exitCode = failed === 0 && isSteady ? 0 : 1;
} finally {
  generator.kill();
  await server.end();
  rmSync(folder, { recursive: true, force: true });
}

function loadOf({ port }: ServedAt, shape: readonly number[], seconds: number): Load {
  const clients = Number(values.clients);
  return { ...requestFor("binary", shape), host: "127.0.0.1", port, clients, warmUpSeconds: 1, seconds };
}

/** Load in periods of a few seconds until all swaps are made; each answer is counted. */
async function swapUnderLoad(at: ServedAt, model: string, shape: readonly number[]) {
  let made = 0;
  let failed = 0;
  let requests = 0;
  const swapping = (async () => {
    for (let version = 2; made < Number(values.swaps); version++, made++) {
      await server.ask<ServedAt>({ swapTo: model, version: String(version) });
    }
  })();
  while (made < Number(values.swaps)) {
    const result = await generator.ask<LoadResult>(loadOf(at, shape, 4));
    failed += result.failed;
    requests += result.requests;
  }
  await swapping;
  return { swaps: made, requestsWhileSwapping: requests, failed };
}

/** Of the second half against the first, the first period left out: it fills caches. */
function growthOf(periods: readonly Period[]): {
  readonly serverGrowth: number;
  readonly modelGrowth: number;
} {
  const settled = periods.slice(1);
  const half = Math.ceil(settled.length / 2);
  const mean = (of: readonly Period[], memory: "serverMiB" | "modelMiB"): number =>
    of.reduce((sum, period) => sum + period[memory], 0) / of.length;
  const growth = (memory: "serverMiB" | "modelMiB"): number =>
    Math.round(100 * (mean(settled.slice(half), memory) / mean(settled.slice(0, half), memory) - 1)) / 100;
  return { serverGrowth: growth("serverMiB"), modelGrowth: growth("modelMiB") };
}

function percent(growth: number): string {
  return `${growth < 0 ? "" : "+"}${Math.round(100 * growth)} %`;
}

function residentMiB(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024);
}
