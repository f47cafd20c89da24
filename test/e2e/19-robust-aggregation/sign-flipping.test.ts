import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Job } from "@selvedge/protocol";
import { classes, evaluationData, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import type { TestDevice } from "../test-device.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

const robust = {
  median: "{ name: median }",
  "trimmed-mean": "{ name: trimmed-mean, trim: 0.2 }",
  krum: "{ name: krum, byzantine: 2 }",
  "multi-krum": "{ name: multi-krum, byzantine: 2 }",
  "geometric-median": "{ name: geometric-median }",
  "norm-filter": "{ name: norm-filter }",
};

function jobFile(name: string, aggregator: string, devices: number): string {
  return `name: ${name}
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
aggregator: ${aggregator}
learningRate: 0.2
localEpochs: 4
batchSize: 8
rounds: 3
cohort: ${devices}
quorum: ${devices}
deadline: 60s
evaluation: ${evaluationData}
`;
}

test("[RA1] [RA4] the mean fails where two of ten devices flip the sign of what they learned, and robust rules learn", async (t) => {
  await using fleet = await TestFleet.start(10);
  const hostile = fleet.devices.slice(-2);
  await Promise.all(hostile.map((device) => device.kill()));
  const flipping = `--import=${join(import.meta.dirname, "sign-flipping.fixture.ts")}`;
  for (const device of hostile) device.start(undefined, [flipping]);
  await Promise.all(hostile.map((device) => fleet.offline(device)));
  await fleet.online(10);

  const run = async (name: string, aggregator: string, devices = 10): Promise<Job> => {
    await fleet.operator.startJob(name, jobFile(name, aggregator, devices));
    const job = await fleet.operator.watch(name);
    assert.equal(job.status, "completed", job.reason);
    return job;
  };

  await t.test("mean", async () => {
    const job = await run("mean", "{ name: mean }");
    assert.ok(accuracyOf(job) < 0.5, `accuracy ${accuracyOf(job)}`);
  });
  for (const [name, aggregator] of Object.entries(robust)) {
    await t.test(name, async () => {
      const job = await run(name, aggregator);
      assert.ok(accuracyOf(job) > 0.9, `accuracy ${accuracyOf(job)}`);
      if (["krum", "multi-krum", "norm-filter"].includes(name)) assertLeftOut(job, hostile, name);
    });
  }
  await t.test("bulyan", async () => {
    const eleventh = await fleet.join(await fleet.operator.createToken(1));
    eleventh.start();
    await fleet.online(11);
    const job = await run("bulyan", "{ name: bulyan, byzantine: 2 }", 11);
    assert.ok(accuracyOf(job) > 0.9, `accuracy ${accuracyOf(job)}`);
  });
});

function accuracyOf({ history }: Job): number {
  return history.at(-1)?.evaluation.accuracy ?? Number.NaN;
}

function assertLeftOut({ history }: Job, hostile: readonly TestDevice[], rule: string): void {
  for (const { participants } of history) {
    for (const { id } of hostile) {
      const participant = participants.find(({ device }) => device === id);
      assert.deepEqual([participant?.status, participant?.reason], ["contributed", `left out by ${rule}`]);
    }
  }
}
