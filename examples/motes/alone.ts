/**
 * Measures what each mote would know had it learned alone: the same model, for as many passes
 * over its own readings, normalised by its own mean and deviation. After prepare.ts:
 *
 *     node scripts/launch.mjs --script examples/motes/alone.ts <folder>
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { DatasetSource } from "@selvedge/datasets";
import { binaryRates, scaleColumns } from "@selvedge/learning";
import {
  decodeSafetensors,
  encodeSafetensors,
  parameterLayout,
  parseModel,
  readParameters,
} from "@selvedge/onnx";
import { type BinaryResult, TrainingProcess } from "@selvedge/runtime";
import { type JobFile, loadModel, readJobFile } from "selvedge";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write("usage: alone.ts <folder that prepare.ts wrote>\n");
  process.exit(2);
}

const job = await readJobFile(join(import.meta.dirname, "job.yaml"));
const work = await mkdtemp(join(tmpdir(), "selvedge-motes-"));
const training = await TrainingProcess.start();
try {
  process.stdout.write("mote      F1  avg.prec.  found  missed  false alarms\n");
  for (const mote of ["1", "2", "3", "4"]) {
    process.stdout.write(line(mote, await trainAlone(job, csv(folder, mote, "readings.csv"))));
  }
} finally {
  await training.stop();
  await rm(work, { recursive: true });
}

async function trainAlone(job: JobFile, dataset: DatasetSource): Promise<BinaryResult> {
  const { batchSize, heldOutFraction, learningRate, maxExamplesPerDevice: maxExamples, seed } = job;
  const { name: _name, inputShape: _shape, ...reading } = job.dataset;
  const { table } = reading;
  if (table === null) throw new TypeError("the job names columns");
  const { statistics } = await training.summarise({
    dataset,
    reading: { ...reading, table },
    maxExamples,
    seed,
  });
  const scaling = scaleColumns(table, statistics);

  const { bytes } = await loadModel(job);
  const model = parseModel(bytes);
  const layout = parameterLayout(model);
  const start = readParameters(model, layout);
  const [modelPath, weightsPath, updatePath] = ["model.onnx", "weights", "update"].map((name) =>
    join(work, name),
  ) as [string, string, string];
  await writeFile(modelPath, bytes);
  await writeFile(weightsPath, encodeSafetensors(layout, start));

  await training.train({
    ...{ modelPath, weightsPath, updatePath, dataset, reading, scaling },
    ...{ batchSize, heldOutFraction, learningRate, maxExamples, seed },
    loss: "softmax-cross-entropy",
    optimizer: "sgd",
    localEpochs: job.rounds * job.localEpochs,
  });
  const update = decodeSafetensors(await readFile(updatePath), layout);
  const trained = start.map((value, index) => value + (update[index] ?? 0));
  await writeFile(weightsPath, encodeSafetensors(layout, trained));

  const test = csv(folder ?? "", "test.csv");
  const { binary } = await training.evaluate({ modelPath, weightsPath, dataset: test, reading, scaling });
  if (binary === undefined) throw new TypeError("the job has two classes");
  return binary;
}

function line(mote: string, result: BinaryResult): string {
  const { truePositives, falsePositives, falseNegatives, averagePrecision } = result;
  const cells = [
    mote.padStart(4),
    fixed(binaryRates(result).f1).padStart(6),
    fixed(averagePrecision).padStart(9),
    String(truePositives).padStart(5),
    String(falseNegatives).padStart(6),
    String(falsePositives).padStart(12),
  ];
  return `${cells.join("  ")}\n`;
}

function fixed(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(3);
}

function csv(...path: string[]): DatasetSource {
  return { format: "csv", path: resolve(...path) };
}
