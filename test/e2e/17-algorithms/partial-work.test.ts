import assert from "node:assert/strict";
import { test } from "node:test";
import { contributions } from "../operator.fixture.ts";
import { classes, evaluationData, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

/** More than any device gets done before the deadline. */
function jobFile(name: string, settings: string): string {
  return `name: ${name}
model: { builder: mlp, input: [${imageSize}], hidden: [256, 256], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
${settings}
localSteps: 1000000
batchSize: 8
learningRate: 0.01
rounds: 1
cohort: 2
quorum: 2
deadline: 15s
evaluation: ${evaluationData}
`;
}

test("[AL3] devices that run out of time count with what they have trained by then, where the job says so", async () => {
  await using fleet = await TestFleet.start(2);
  await fleet.operator.startJob("partial", jobFile("partial", "algorithm: fedprox\nproximal: 0.001"));
  const job = await fleet.operator.watch("partial");
  assert.equal(job.status, "completed", job.reason);
  assert.deepEqual(contributions(job), [fleet.devices.map(({ id }) => id).sort()]);
  assert.ok((job.history[0]?.evaluation?.accuracy ?? 0) > 0.9);
});
