/**
 * Training steps of this engine and of PyTorch in turn: the same model, which PyTorch exports, the same data, batch size
 * and number of threads; each side in a process of its own for each model. Run with
 * `npm run bench -- train --python VENV/bin/python [--only NAME,…] [--repetitions 7] [--threads 1,2]` where that Python
 * has torch and onnx: a table, and last one line of JSON. A ratio is PyTorch's time by ours: above 1 we are faster.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Side } from "./side.ts";

interface Case {
  readonly model: string;
  readonly batch: number;
  /** One epoch over so many is one measurement. */
  readonly examples: number;
}

interface Measured {
  readonly seconds: number;
  readonly loss: number;
}

const { values } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    only: { type: "string" },
    repetitions: { type: "string", default: "7" },
    threads: { type: "string", default: "1,2" },
  },
});
const cases: readonly Case[] = [
  { model: "2nn", batch: 10, examples: 6_000 },
  { model: "2nn", batch: 32, examples: 9_600 },
  { model: "cnn", batch: 10, examples: 300 },
  { model: "cnn", batch: 32, examples: 640 },
  { model: "lenet", batch: 32, examples: 3_200 },
  { model: "sensor-cnn", batch: 32, examples: 3_200 },
  { model: "lstm", batch: 10, examples: 200 },
  { model: "lstm", batch: 32, examples: 320 },
  { model: "gru", batch: 32, examples: 640 },
  { model: "resnet20", batch: 32, examples: 320 },
  { model: "mobilenet", batch: 32, examples: 320 },
].filter(({ model }) => values.only === undefined || values.only.split(",").includes(model));

const rows = [];
for (const each of cases) rows.push(...(await compare(each)));
console.table(
  rows.map((row) => ({ ...row, ratio: row.ratio.toFixed(2), memoryRatio: row.memoryRatio.toFixed(2) })),
);
const ratios = rows.map(({ ratio }) => ratio);
console.log(
  JSON.stringify({
    benchmark: "train",
    ratios: Object.fromEntries(rows.map((row) => [`${row.model}/${row.batch}/${row.threads}`, row.ratio])),
    geometricMean: geometricMean(ratios),
    minimum: Math.min(...ratios),
    memoryRatio: Math.max(...rows.map(({ memoryRatio }) => memoryRatio)),
  }),
);

async function compare({ model, batch, examples }: Case) {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-bench-"));
  const sides: Side[] = [];
  try {
    const exporter = torch();
    sides.push(exporter);
    const shape = await exporter.ask<object>({ do: "prepare", model, folder, examples });
    await exporter.end();
    const [ours, theirs] = [own(), torch()] as const;
    sides.push(ours, theirs);
    await ours.ask({ do: "load", folder, examples, ...shape });
    await theirs.ask({ do: "load", model, folder, examples });
    const measured = [];
    for (const threads of values.threads.split(",").map(Number)) {
      const [mine, other] = await inTurn(ours, theirs, { do: "train", batch, threads });
      measured.push({
        model,
        batch,
        threads,
        "our ms/step": mine,
        "torch ms/step": other,
        ratio: other / mine,
      });
    }
    const [memory, torchMemory] = [ours.peakMiB(), theirs.peakMiB()];
    const perStep = (epoch: number): number => round((1_000 * epoch * batch) / examples);
    return measured.map((row) => ({
      ...row,
      "our ms/step": perStep(row["our ms/step"]),
      "torch ms/step": perStep(row["torch ms/step"]),
      "our MiB": Math.round(memory),
      "torch MiB": Math.round(torchMemory),
      memoryRatio: memory / torchMemory,
    }));
  } finally {
    for (const side of sides) side.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Median seconds of an epoch of each side; the first is not counted: both sides fill their memory then. */
async function inTurn(ours: Side, theirs: Side, command: object): Promise<readonly [number, number]> {
  const seconds: [number[], number[]] = [[], []];
  for (let repetition = -1; repetition < Number(values.repetitions); repetition++) {
    for (const [index, side] of [ours, theirs].entries()) {
      const { seconds: took, loss } = await side.ask<Measured>(command);
      if (!Number.isFinite(loss)) throw new Error(`the loss of side ${index} is ${loss}`);
      if (repetition >= 0) seconds[index]?.push(took);
    }
  }
  return [median(seconds[0]), median(seconds[1])];
}

function own(): Side {
  return new Side(process.execPath, join(import.meta.dirname, "train/our-trainer.ts"));
}

function torch(): Side {
  return new Side(values.python, join(import.meta.dirname, "peers/train_torch.py"));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
