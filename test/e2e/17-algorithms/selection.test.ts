import assert from "node:assert/strict";
import { test } from "node:test";
import { contributions } from "../operator.fixture.ts";
import { classes, evaluationData, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

const jobs: Readonly<Record<string, { readonly settings: string; readonly sizes: readonly number[] }>> = {
  poisson: {
    // A round of one device alone fails, for devices decline it: seldom, and not long.
    settings: "selection: { name: poisson, probability: 0.8 }\ncohort: 3\ngrace: 1s",
    sizes: [0, 1, 2, 3],
  },
  loss: { settings: "selection: { name: loss, candidates: 3 }\ncohort: 2\nquorum: 2", sizes: [2] },
  over: { settings: "overSelection: 1.5\ncohort: 2\nquorum: 2\ngrace: 60s", sizes: [2] },
  able: {
    settings:
      "selection: { name: uniform, requires: { memory: 100MB, cores: 1, tags: [chosen] } }\ncohort: 2\nquorum: 2",
    sizes: [2],
  },
};

function jobFile(name: string, settings: string): string {
  return `name: ${name}
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
${settings}
localEpochs: 4
batchSize: 8
learningRate: 0.1
rounds: 6
deadline: 60s
evaluation: ${evaluationData}
`;
}

test("[AL4] every selection that a job file names invites whom it says, of agents in processes of their own", async (t) => {
  await using fleet = await TestFleet.start(3);
  const able = fleet.devices.slice(0, 2).map(({ id }) => id);
  for (const id of able) await fleet.run(["device", "group", id, "-", "--tag", "chosen"]);
  for (const [name, { settings, sizes }] of Object.entries(jobs)) {
    await t.test(name, async () => {
      await fleet.operator.startJob(name, jobFile(name, settings));
      const job = await fleet.operator.watch(name);
      assert.equal(job.status, "completed", job.reason);
      const rounds = contributions(job);
      assert.ok(
        rounds.every((devices) => sizes.includes(devices.length)),
        JSON.stringify(rounds),
      );
      if (name === "able") for (const devices of rounds) assert.deepEqual(devices, able.toSorted());
      assert.ok((job.history.at(-1)?.evaluation?.accuracy ?? 1) > 0.8);
    });
  }
});
