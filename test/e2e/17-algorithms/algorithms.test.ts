import assert from "node:assert/strict";
import { test } from "node:test";
import { classes, evaluationData, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

/** What each is asked for beside the model and the data, and the accuracy it comes to at least. */
const algorithms: Readonly<Record<string, { readonly settings: string; readonly rounds: number }>> = {
  fedsgd: { settings: "algorithm: fedsgd\nlearningRate: 0.5", rounds: 30 },
  fedprox: {
    settings: "algorithm: fedprox\nproximal: 0.01\nlearningRate: 0.1\nlocalEpochs: 4",
    rounds: 4,
  },
  diloco: { settings: "algorithm: diloco\nlearningRate: 0.005\nlocalSteps: 60", rounds: 4 },
  qfedavg: { settings: "algorithm: qfedavg\nq: 0.2\nlearningRate: 0.1\nlocalEpochs: 4", rounds: 15 },
  mimelite: {
    settings: "algorithm: mimelite\nbeta: 0.5\nlearningRate: 0.2\nlocalEpochs: 4",
    rounds: 6,
  },
  fednova: {
    settings:
      "algorithm: fednova\noptimizer: { name: sgd, momentum: 0.5 }\nlearningRate: 0.1\nlocalEpochs: 4",
    rounds: 4,
  },
};

function jobFile(name: string, settings: string, rounds: number): string {
  return `name: ${name}
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
${settings}
batchSize: 8
rounds: ${rounds}
cohort: 2
quorum: 2
deadline: 60s
evaluation: ${evaluationData}
`;
}

test("[AL2] every algorithm that a job file names is learned with, by agents in processes of their own", async (t) => {
  await using fleet = await TestFleet.start(2);
  for (const [name, { settings, rounds }] of Object.entries(algorithms)) {
    await t.test(name, async () => {
      await fleet.operator.startJob(name, jobFile(name, settings, rounds));
      const job = await fleet.operator.watch(name);
      assert.equal(job.status, "completed", job.reason);
      const accuracy = job.history.map(({ evaluation }) => evaluation?.accuracy ?? 0);
      assert.ok((accuracy.at(-1) ?? 0) > 0.9, `accuracy by round ${accuracy}`);
    });
  }
});
