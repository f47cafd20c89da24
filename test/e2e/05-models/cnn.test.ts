import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildCnn, buildMlp, serializeModel } from "@selvedge/onnx";
import { classes, evaluationData, trainingData } from "../synthetic-digits.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

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

test("[RE8] a device whose owner allows less memory than the model needs says so, and trains nothing", async () => {
  await using fleet = await TestFleet.start(2);
  for (const { folder } of fleet.devices) appendFileSync(join(folder, "policy.yaml"), "maxMemory: 170MB\n");
  const modelPath = join(fleet.folder, "mlp.onnx");
  writeFileSync(modelPath, serializeModel(buildMlp({ inputShape: [4, 4], hidden: [], classes, seed: 1 })));
  await fleet.operator.startJob("modest", jobFile(modelPath));
  const job = await fleet.operator.watch("modest", ({ history }) => history.length > 0);
  const reasons = job.history.flatMap(({ participants }) => participants.map(({ reason }) => reason));
  assert.match(
    reasons.join("\n"),
    /training in batches of 8 takes about \d+ MB of memory.*at most 170 MB are allowed/,
  );
  assert.deepEqual(
    fleet.devices.flatMap((device) => device.sentResults()),
    [],
  );
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
