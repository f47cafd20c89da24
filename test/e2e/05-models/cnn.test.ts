import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildCnn, serializeModel } from "@selvedge/onnx";
import { evaluationData, TestFleet, trainingData } from "../fleet.fixture.ts";
import { classes } from "../synthetic-digits.fixture.ts";

test("a convolutional network from an ONNX file learns across devices", async () => {
  await using fleet = await TestFleet.start(2);
  const model = buildCnn({
    inputShape: [1, 4, 4],
    channels: [8],
    kernel: 3,
    hidden: [16],
    classes,
    seed: 1,
  });
  const modelPath = join(fleet.folder, "cnn.onnx");
  writeFileSync(modelPath, serializeModel(model));
  await fleet.operator.startJob("images", jobFile(modelPath));
  const job = await fleet.operator.watch("images");
  assert.equal(job.status, "completed", job.reason);
  const accuracy = job.history.map(({ evaluation }) => evaluation?.accuracy ?? 0);
  assert.ok((accuracy.at(-1) ?? 0) > 0.9, `accuracy by round ${accuracy}`);
});

function jobFile(modelPath: string): string {
  return `name: images
model: ${modelPath}
dataset: { name: ${trainingData}, inputShape: [4, 4], classes: ${classes} }
localEpochs: 5
batchSize: 8
learningRate: 0.1
rounds: 4
cohort: 2
quorum: 2
deadline: 60s
evaluation: ${evaluationData}
seed: 1
`;
}
