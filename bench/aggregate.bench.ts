/**
 * How fast client updates become one: 100 updates of the FedAvg paper's CNN (1,663,370 float32), by weight. Three lines:
 * the fold of updates in memory; decoding and folding; receiving over a loopback connection, hashing (SHA-256), decoding
 * and folding, one after the other as they arrive. Ours into an exact sum, also of updates quantised to 8 bits; Flower's
 * `aggregate_arrayrecords`, with its own decoding and hashing; numpy in place. And the most memory that each took, for 100
 * clients and for ten times as many.
 *
 *   python3 -m venv VENV && VENV/bin/pip install --requirement bench/peers/flower-aggregate/requirements.txt
 *   npm run bench -- aggregate [--python VENV/bin/python] [--clients 100] [--repetitions 5] [--peer-many 300]
 *
 * Without `--python` only this side is measured. In turn, medians; each side in processes of its own. GB/s are of float32
 * that updates stand for (of quantised ones too). `--peer-many`: Flower holds all updates, 1,000 of them are more than 6.6 GB.
 * A table, and last one line of JSON.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { buildCnn, fedAvgCnn, type ParameterLayout, parameterLayout } from "@selvedge/onnx";
import { Side } from "./side.ts";

const { values } = parseArgs({
  options: {
    python: { type: "string" },
    clients: { type: "string", default: "100" },
    repetitions: { type: "string", default: "5" },
    "peer-many": { type: "string", default: "300" },
  },
});
const clients = Number(values.clients);
const repetitions = Number(values.repetitions);

interface Competitor {
  readonly name: string;
  readonly lines: readonly Line[];
  readonly many: number;
  start(): Side;
  readonly bits: number;
}

type Line = "fold" | "decode" | "receive" | "numpy";

const ours = (): Side => new Side(process.execPath, join(import.meta.dirname, "aggregate/our-folds.ts"));
const all: readonly Line[] = ["fold", "decode", "receive"];
const competitors: Competitor[] = [
  { name: "selvedge", lines: all, many: clients * 10, start: ours, bits: 0 },
  { name: "selvedge, 8 bits", lines: ["decode", "receive"], many: clients * 10, start: ours, bits: 8 },
];
const { python } = values;
if (python !== undefined) {
  const peer = (): Side => new Side(python, join(import.meta.dirname, "peers/flower-aggregate/folds.py"));
  const many = Number(values["peer-many"]);
  competitors.push({ name: "flower", lines: all, many, start: peer, bits: 0 });
  competitors.push({ name: "numpy in place", lines: ["numpy"], many: 0, start: peer, bits: 0 });
}

const layout = parameterLayout(buildCnn({ ...fedAvgCnn, seed: 1 }));
const gigabytes = (clients * layout.length * 4) / 1e9;
const folder = mkdtempSync(join(tmpdir(), "aggregate-bench-"));
try {
  const bandwidth = copyBandwidth();
  const times = await measureTimes();
  const rows = times.map(({ name, line, seconds, processorSeconds }) => ({
    ...{ name, line, seconds: Number(seconds.toFixed(3)) },
    processorSeconds: Number(processorSeconds.toFixed(3)),
    gigabytesPerSecond: Number((gigabytes / seconds).toFixed(2)),
  }));
  console.table(rows);
  const fold = rows.find(({ line }) => line === "fold")?.gigabytesPerSecond ?? Number.NaN;
  // Of each value 4 bytes of the update are read, and 8 of the sum read and written.
  const moved = { bandwidth: Number(bandwidth.toFixed(1)), foldMoves: Number((fold * 5).toFixed(1)) };
  console.log(`copying moves ${moved.bandwidth} GB/s of memory, our fold ${moved.foldMoves}`);
  const memory = await measureMemory();
  console.table(memory);
  console.log(
    JSON.stringify({ benchmark: "aggregate", clients, parameters: layout.length, rows, moved, memory }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface Time extends Answer {
  readonly name: string;
  readonly line: Line;
}

/** Every side runs every line in turn, so that what else the machine does is shared. */
async function measureTimes(): Promise<Time[]> {
  const sides = await Promise.all(
    competitors.map(async (one, index) => ({ ...one, file: join(folder, `${index}`), side: one.start() })),
  );
  const taken = new Map<string, Answer[]>();
  for (const { side, file, bits } of sides) await prepare(side, file, bits, clients);
  for (let repetition = -1; repetition < repetitions; repetition++) {
    for (const { name, lines, side, file } of sides) {
      for (const line of lines) {
        const answer = await timed(side, line, file, clients);
        const key = JSON.stringify([name, line]);
        // The first warms up the compiler.
        if (repetition >= 0) taken.set(key, [...(taken.get(key) ?? []), answer]);
      }
    }
  }
  for (const { side } of sides) await side.end();
  return [...taken].map(([key, answers]) => {
    const [name, line] = JSON.parse(key) as [string, Line];
    const seconds = median(answers.map((answer) => answer.seconds));
    const processorSeconds = median(answers.map((answer) => answer.processorSeconds));
    return { name, line, seconds, processorSeconds };
  });
}

/** Peaks of processes that each did one line once. */
async function measureMemory(): Promise<object[]> {
  const rows: object[] = [];
  for (const { name, lines, many, start, bits } of competitors.filter((one) => one.many > 0)) {
    const line = lines.at(-1) ?? "receive";
    const peak = async (count: number): Promise<number> => {
      const side = start();
      const file = join(folder, "memory");
      await prepare(side, file, bits, count);
      await timed(side, line, file, count);
      const peak = side.peakMiB();
      await side.end();
      return Math.round(peak);
    };
    const [few, more] = [await peak(clients), await peak(many)];
    rows.push({ name, line, clients, few, many, more, growthInModels: growth(more - few) });
  }
  return rows;
}

function growth(mebibytes: number): number {
  return Number(((mebibytes * 2 ** 20) / (layout.length * 4)).toFixed(1));
}

async function prepare(side: Side, file: string, bits: number, count: number): Promise<void> {
  const shapes: ParameterLayout = layout;
  await side.ask({ do: "prepare", layout: shapes, file, bits, clients: count });
}

async function timed(side: Side, line: Line, file: string, count: number): Promise<Answer> {
  if (line !== "receive") return side.ask<Answer>({ do: line, clients: count, port: 0 });
  const path = join(import.meta.dirname, "aggregate/sender.ts");
  const sender = spawn(process.execPath, [path, file, String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(sender, "exit");
  const [port] = (await once(createInterface({ input: sender.stdout }), "line")) as [string];
  const answer = await side.ask<Answer>({ do: line, clients: count, port: Number(port) });
  await ended;
  return answer;
}

interface Answer {
  readonly seconds: number;
  /** Of the side's process, all its threads together. */
  readonly processorSeconds: number;
}

/** GB/s that are read and written when memory is copied; the best of five. */
function copyBandwidth(): number {
  const from = new Uint8Array(2 ** 28).fill(1);
  const to = new Uint8Array(from.length).fill(2);
  const seconds = Array.from({ length: 5 }, () => {
    const start = performance.now();
    to.set(from);
    return (performance.now() - start) / 1_000;
  });
  return (2 * from.length) / 1e9 / Math.min(...seconds);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
