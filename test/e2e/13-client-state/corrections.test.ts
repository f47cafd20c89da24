import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { classes, evaluationData, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

/** A fleet of two: the population, all of which takes part in each round. */
function jobFile(name: string, settings: string): string {
  return `name: ${name}
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
${settings}
population: 2
localEpochs: 4
batchSize: 8
learningRate: 0.1
rounds: 4
cohort: 2
quorum: 2
deadline: 60s
evaluation: ${evaluationData}
`;
}

suite("corrections that devices keep", () => {
  for (const [name, settings] of [
    ["scaffold", "algorithm: scaffold"],
    ["feddyn", "algorithm: feddyn\nalpha: 0.1"],
  ] as const) {
    test(`[CS6] [CS7] ${name} over agents, of which one is killed in the middle, ends as undisturbed`, async () => {
      await using fleet = await TestFleet.start(2);
      const [first] = fleet.devices;
      assert.ok(first !== undefined);
      await fleet.operator.startJob(name, jobFile(name, settings));
      await first.says(/"keptSince":"begun anew"/);
      await first.kill();
      first.start();
      const job = await fleet.operator.watch(name);
      assert.equal(job.status, "completed", job.reason);
      for (const device of fleet.devices) assert.equal(device.count(/"keptSince":3/), 1);
      const accuracy = job.history.map(({ evaluation }) => evaluation?.accuracy ?? 0);
      assert.ok((accuracy.at(-1) ?? 0) > 0.9, `accuracy by round ${accuracy}`);

      await fleet.operator.startJob(`${name}-again`, jobFile(name, settings));
      const undisturbed = await fleet.operator.watch(`${name}-again`);
      assert.equal(job.model?.digest, undisturbed.model?.digest);
    });
  }
});
