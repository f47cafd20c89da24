import assert from "node:assert/strict";
import { test } from "node:test";
import { classes, evaluationData, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

test("devices train with the loss, the optimizer and the bounds that the job names", async () => {
  await using fleet = await TestFleet.start(2);
  await fleet.operator.startJob(
    "settings",
    `name: settings
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
loss: { name: softmax-cross-entropy, labelSmoothing: 0.05 }
optimizer: { name: adamw, weightDecay: 0.001 }
proximal: 0.001
clipNorm: 1
frozen: ["fc1.bias"]
localEpochs: 5
batchSize: 8
learningRate: 0.01
rounds: 3
cohort: 2
quorum: 2
deadline: 60s
evaluation: ${evaluationData}
`,
  );
  const job = await fleet.operator.watch("settings");
  assert.equal(job.status, "completed", job.reason);
  const accuracy = job.history.map(({ evaluation }) => evaluation?.accuracy ?? 0);
  assert.ok((accuracy.at(-1) ?? 0) > 0.9, `accuracy by round ${accuracy}`);
});
