import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { classes, evaluationData, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

/** By what a job file says. */
const aggregators: Readonly<Record<string, string>> = {
  "unweighted-mean": "aggregator: unweighted-mean",
  sum: "aggregator: sum\nserverLearningRate: 0.5",
  zeroing: "aggregator: [zeroing, mean]",
  clipping: "aggregator: [{ name: clipping, bound: 5 }, mean]",
  sampling: "aggregator: [{ name: sampling, fraction: 0.5 }, mean]",
  quantisation: "aggregator: [{ name: quantisation, bits: 8 }, mean]",
};

function jobFile(name: string, settings: string, rounds: number): string {
  return `name: ${name}
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
${settings}
learningRate: 0.1
localEpochs: 4
batchSize: 8
rounds: ${rounds}
cohort: 2
quorum: 2
deadline: 60s
evaluation: ${evaluationData}
`;
}

test("every aggregator and block that a job file names is learned with, by agents in processes of their own", async (t) => {
  await using fleet = await TestFleet.start(2);
  for (const [name, settings] of Object.entries(aggregators)) {
    await t.test(name, async () => {
      await fleet.operator.startJob(name, jobFile(name, settings, 4));
      const job = await fleet.operator.watch(name);
      assert.equal(job.status, "completed", job.reason);
      const accuracy = job.history.map(({ evaluation }) => evaluation?.accuracy ?? 0);
      assert.ok((accuracy.at(-1) ?? 0) > 0.8, `accuracy by round ${accuracy}`);
    });
  }

  await t.test("[AG15] all blocks in one stack, through kill -9 of the coordinator", async () => {
    const stack = `aggregator:
  - zeroing
  - { name: clipping, quantile: 0.5, initial: 100 }
  - { name: sampling, fraction: 0.5 }
  - { name: quantisation, bits: 8 }
  - mean`;
    await fleet.operator.startJob("stack", jobFile("stack", stack, 6));
    await fleet.operator.watch("stack", ({ roundsCompleted }) => roundsCompleted >= 2);
    await fleet.killCoordinator();
    await fleet.startCoordinator();
    const job = await fleet.operator.watch("stack");
    assert.equal(job.status, "completed", job.reason);
    const done = job.history.filter(({ status }) => status === "completed");
    // Both devices are within 100, and half of them are to be: the bound falls in every round, to the last bit.
    const bounds = done.map(({ measurements }) => measurements["clipping.bound"] ?? 0);
    for (const [index, bound] of bounds.entries()) {
      if (index > 0) assert.equal(bound, (bounds[index - 1] ?? 0) * Math.exp(-0.2 * 0.5));
    }
    assert.equal(bounds[0], 100);
    const plain = (imageSize * 16 + 16 + 16 * classes + classes) * 4;
    for (const { bytesUp } of done) assert.ok(Number(bytesUp) < 2 * 0.15 * plain, `${bytesUp} bytes`);
    for (const device of fleet.devices) {
      const audit = readFileSync(join(device.folder, "audit.log"), "utf8");
      assert.match(audit, /"bits":\{"zeroing.zeroed":false,"zeroing.within":true,"clipping.within":true\}/);
    }
  });
});
