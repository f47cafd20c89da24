import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { classReading, type DatasetSource } from "@selvedge/datasets";
import { averagePrecision, countBinary } from "@selvedge/learning";
import { buildMlp, encodeSafetensors, parameterLayout, readParameters, serializeModel } from "@selvedge/onnx";
import { SeededRandom, type TableColumn, type TableSchema } from "@selvedge/protocol";
import { NativeSession } from "./native-session.ts";
import { openTrainingData } from "./training-data.ts";
import { TrainingProcess } from "./training-process.ts";

const model = buildMlp({ inputShape: [2], hidden: [4], classes: 2, seed: 1 });
const scaling = [
  { offset: 20, factor: 0.25, mean: 21.5 },
  { offset: 0, factor: 1, mean: null },
];

function tableOf(missing: TableColumn["missing"]): TableSchema {
  const plain = { type: "number", values: [], constant: "" } as const;
  return {
    columns: [
      { ...plain, name: "a", missing, normalisation: "standard" },
      { ...plain, name: "b", missing: "error", normalisation: "none" },
    ],
    label: { name: "label", values: ["0", "1"] },
    targets: [],
  };
}

/** 250 rows, of which a tenth lack a value; as they are, and as they look once filled and scaled. */
function rows(): {
  readonly raw: string[];
  readonly scaled: string[];
  readonly labels: Int32Array;
  readonly inputs: Float32Array;
} {
  const random = SeededRandom.fromSeed("rows");
  const [raw, scaled, labels, inputs]: [string[], string[], number[], number[]] = [[], [], [], []];
  for (let row = 0; row < 250; row += 1) {
    const a = row % 10 === 0 ? undefined : Math.fround(20 + 4 * random.normal());
    const b = Math.fround(random.normal());
    const label = (a ?? 0) > 23 ? 1 : 0;
    const seen = Math.fround(Math.fround((a ?? 21.5) - 20) * 0.25);
    raw.push(`${a ?? ""},${b},${label}`);
    scaled.push(`${seen},${b},${label}`);
    labels.push(label);
    inputs.push(seen, b);
  }
  return { raw, scaled, labels: Int32Array.from(labels), inputs: Float32Array.from(inputs) };
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-training-data-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function csv(folder: string, name: string, lines: readonly string[]): DatasetSource {
  const path = join(folder, name);
  writeFileSync(path, ["a,b,label", ...lines].join("\n"));
  return { format: "csv", path };
}

test("[DS2] the mean stands in for what is missing, and without one training is refused", async (t) => {
  const folder = folderOf(t);
  const dataset = csv(folder, "raw.csv", ["1,2,0", ",3,1"]);
  const reading = classReading(2, tableOf("mean"));
  const { dataset: filled, format } = await openTrainingData({ dataset, reading, scaling });
  assert.deepEqual([...filled.inputs], [1, 2, 21.5, 3]);
  assert.deepEqual([...(format.scaling?.offsets ?? [])], [20, 0]);
  await assert.rejects(openTrainingData({ dataset, reading }), { code: "failed_precondition" });
});

test("[DS6] training on data as it is, with a scaling, is training on scaled data, bit for bit", async (t) => {
  const folder = folderOf(t);
  const { raw, scaled, labels, inputs } = rows();
  const layout = parameterLayout(model);
  const modelPath = join(folder, "model.onnx");
  const weightsPath = join(folder, "weights");
  writeFileSync(modelPath, serializeModel(model));
  writeFileSync(weightsPath, encodeSafetensors(layout, readParameters(model, layout)));
  const settings = {
    ...{ modelPath, weightsPath, updatePath: join(folder, "update"), learningRate: 0.1, batchSize: 16 },
    ...{ localEpochs: 2, heldOutFraction: 0.2, maxExamples: 1_000, seed: 1 },
    loss: "softmax-cross-entropy",
    optimizer: "sgd",
  } as const;
  const given = { dataset: csv(folder, "raw.csv", raw), reading: classReading(2, tableOf("mean")), scaling };
  const ready = { dataset: csv(folder, "scaled.csv", scaled), reading: classReading(2, tableOf("error")) };
  await using stack = new AsyncDisposableStack();
  const training = await TrainingProcess.start();
  stack.defer(() => training.stop());

  const { update, metrics } = await training.train({ ...settings, ...given });
  const other = await training.train({ ...settings, ...ready });
  assert.deepEqual(update, other.update);
  assert.equal(metrics.eval_loss, other.metrics.eval_loss);
  assert.equal(typeof metrics.eval_true_positives, "number");

  const { binary } = await training.evaluate({ modelPath, weightsPath, ...given });
  const margins = await marginsOf(inputs);
  const expected = { ...countBinary(margins, labels), averagePrecision: averagePrecision(margins, labels) };
  assert.deepEqual(binary, expected);
});

async function marginsOf(inputs: Float32Array): Promise<Float32Array> {
  const session = await NativeSession.load(serializeModel(model));
  const feeds = { input: { type: "float32", dims: [inputs.length / 2, 2], data: inputs } } as const;
  const { logits } = await session.run(feeds);
  await session.release();
  const scores = logits?.type === "float32" ? logits.data : assert.fail("no scores");
  return Float32Array.from({ length: scores.length / 2 }, (_, row) => {
    return (scores[2 * row + 1] ?? 0) - (scores[2 * row] ?? 0);
  });
}
