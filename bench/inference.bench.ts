/**
 * Serving by this server, by KServe's Python model server and by ONNX Runtime behind FastAPI, in turn: the same model
 * and requests from the same load generator, a process of its own. Run with
 * `npm run bench -- inference --python VENV/bin/python [--seconds 3] [--models mlp,cnn] [--servers "selvedge;kserve"]
 * [--encodings json,binary,grpc] [--clients 1,8,32] [--repetitions 1]` where that Python has what
 * `bench/peers/serving/requirements.txt` names: a table, and last one line of JSON. A ratio is our throughput by the
 * best peer's: above 1 we are faster. On a machine that others use too, look at `cpu`: processor time of the server's
 * processes for a request, microseconds, whose ratio is the best peer's by ours.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bareRunMicroseconds } from "./inference/bare-run.ts";
import type { Load, LoadResult } from "./inference/load-generator.ts";
import { type BenchModel, writeModels } from "./inference/models.ts";
import type { Encoding } from "./inference/requests.ts";
import { type Subject, starters } from "./inference/servers.ts";
import { Side } from "./side.ts";

interface Row {
  readonly model: string;
  readonly encoding: Encoding;
  readonly clients: number;
  readonly server: string;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpu: number;
}

const { values } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    seconds: { type: "string", default: "3" },
    models: { type: "string", default: "mlp,cnn" },
    servers: { type: "string", default: Object.keys(starters).join(";") },
    encodings: { type: "string", default: "json,binary,grpc" },
    clients: { type: "string", default: "1,8,32" },
    repetitions: { type: "string", default: "1" },
  },
});
const encodings = values.encodings.split(",") as Encoding[];
const clientCounts = values.clients.split(",").map(Number);
const folder = mkdtempSync(join(tmpdir(), "selvedge-bench-"));

try {
  const rows: Row[] = [];
  const bare: Record<string, number> = {};
  for (const model of writeModels(folder).filter(({ name }) => values.models.split(",").includes(name))) {
    bare[model.name] = await bareRunMicroseconds(model);
    rows.push(...(await compare(model)));
  }
  report(rows, bare);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function compare(model: BenchModel): Promise<readonly Row[]> {
  const generator = new Side(process.execPath, join(import.meta.dirname, "inference/load-generator.ts"));
  const subjects = new Map<string, Subject>();
  try {
    for (const name of values.servers.split(";")) {
      const start = starters[name];
      if (start === undefined) throw new Error(`no server "${name}": ${Object.keys(starters).join("; ")}`);
      subjects.set(name, await start(model.path, model.shape, values.python));
    }
    const rows: Row[] = [];
    for (const encoding of encodings) {
      for (const clients of clientCounts)
        rows.push(...(await inTurn(generator, subjects, model, encoding, clients)));
    }
    return rows;
  } finally {
    generator.kill();
    await Promise.all([...subjects.values()].map(({ side }) => side.end(3_000)));
  }
}

/** Each server at the same load, one after the other, as often as asked for: the median of each. */
async function inTurn(
  generator: Side,
  subjects: ReadonlyMap<string, Subject>,
  model: BenchModel,
  encoding: Encoding,
  clients: number,
): Promise<readonly Row[]> {
  const results = new Map<string, (LoadResult & { readonly cpu: number })[]>();
  for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
    for (const [server, { target, pids }] of subjects) {
      const wanted = target(encoding);
      if (wanted === undefined) continue;
      const load: Load = {
        ...wanted,
        host: "127.0.0.1",
        clients,
        warmUpSeconds: 1,
        seconds: Number(values.seconds),
      };
      const before = processorMicroseconds(pids);
      const result = await generator.ask<LoadResult>(load);
      const cpu = (processorMicroseconds(pids) - before) / result.answered;
      if (result.failed > 0)
        throw new Error(`${server} failed ${result.failed} of ${result.requests} requests`);
      results.set(server, [...(results.get(server) ?? []), { ...result, cpu }]);
    }
  }
  return [...results].map(([server, all]) => ({
    model: model.name,
    encoding,
    clients,
    server,
    perSecond: Math.round(median(all.map(({ requests, seconds }) => requests / seconds))),
    p50: round(median(all.map(({ p50 }) => p50))),
    p99: round(median(all.map(({ p99 }) => p99))),
    cpu: Math.round(median(all.map(({ cpu }) => cpu))),
  }));
}

/** What the processes have used so far, by the kernel's ticks of 10 ms. */
function processorMicroseconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const [, rest = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
    const [user, system] = rest.split(" ").slice(11, 13).map(Number);
    return sum + 10_000 * ((user ?? 0) + (system ?? 0));
  }, 0);
}

function report(rows: readonly Row[], bare: Readonly<Record<string, number>>): void {
  console.table(rows);
  const ratios = ratiosOf(rows);
  console.table(ratios);
  const overhead = rows
    .filter(({ server, clients }) => server === "selvedge" && clients === 1)
    .map(({ model, encoding, p50 }) => [`${model}/${encoding}`, round(1_000 * p50 - (bare[model] ?? 0))]);
  console.log(
    JSON.stringify({
      benchmark: "inference",
      bareMicroseconds: bare,
      overheadMicroseconds: Object.fromEntries(overhead),
      ratios: Object.fromEntries(
        ratios.map(({ model, encoding, clients, throughput, p99, cpu }) => [
          `${model}/${encoding}/${clients}`,
          { throughput, p99, cpu },
        ]),
      ),
    }),
  );
}

/** Ours by the best of the peers, each for itself. */
function ratiosOf(rows: readonly Row[]) {
  return rows
    .filter(({ server }) => server === "selvedge")
    .flatMap(({ model, encoding, clients, perSecond, p99, cpu }) => {
      const peers = rows.filter(
        (row) =>
          row.model === model &&
          row.encoding === encoding &&
          row.clients === clients &&
          !row.server.startsWith("selvedge"),
      );
      if (peers.length === 0) return [];
      const least = (of: "p99" | "cpu"): number => Math.min(...peers.map((row) => row[of]));
      const throughput = round(perSecond / Math.max(...peers.map((row) => row.perSecond)));
      return [
        {
          model,
          encoding,
          clients,
          throughput,
          p99: round(p99 / least("p99")),
          cpu: round(least("cpu") / cpu),
        },
      ];
    });
}

function median(of: readonly number[]): number {
  return of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
