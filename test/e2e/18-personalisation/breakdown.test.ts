import assert from "node:assert/strict";
import { test } from "node:test";
import { classes, evaluationData, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

const jobFile = `name: spread
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
personal: ["fc2.*"]
heldOutFraction: 0.25
batchSize: 8
learningRate: 0.1
localEpochs: 2
rounds: 3
cohort: 4
quorum: 4
deadline: 60s
evaluation: ${evaluationData}
federatedEvaluation: { every: 2 }
`;

test("[EV4] [EV5] devices measure what came of rounds, with their personal parameters, and figures are told of groups of three", async () => {
  await using fleet = await TestFleet.start(4);
  const [first, ...others] = fleet.devices;
  assert.ok(first !== undefined);
  await fleet.run(["device", "group", first.id, "south", "--tag", "old"]);
  for (const { id } of others) await fleet.run(["device", "group", id, "north"]);
  await fleet.operator.startJob("spread", jobFile);
  const job = await fleet.operator.watch("spread");
  assert.equal(job.status, "completed", job.reason);
  assert.deepEqual(
    job.history.map(({ phase }) => phase),
    ["train", "train", "evaluate", "train", "evaluate"],
  );
  const [, , measured, next] = job.history;
  // The next round begins with what the evaluation measured, on the same devices, with the same parameters of theirs.
  assert.equal(measured?.federated.eval_accuracy, next?.federated.eval_accuracy);
  assert.deepEqual(measured?.evaluation, job.history[1]?.evaluation);
  const { eval_accuracy: spread } = job.history.at(-1)?.spread ?? {};
  const { minimum = 2, median = -1, maximum = -1, devices } = spread ?? {};
  assert.ok(devices === 4 && minimum <= median && median <= maximum);
  // Of the group of three it would follow what the fourth device measured.
  for (const { groups } of job.history) assert.deepEqual(groups, []);

  await fleet.run(["device", "group", first.id, "-", "--clear-tags"]);
  const [, ...three] = fleet.devices;
  await first.kill();
  await fleet.offline(first);
  const sets = ["task=evaluate", "cohort=3", "quorum=3", "personal=[]"];
  await fleet.operator.startJob("north", jobFile, sets);
  const { history } = await fleet.operator.watch("north");
  const [only] = history[0]?.groups ?? [];
  assert.deepEqual([only?.kind, only?.name, only?.devices], ["group", "north", three.length]);
  assert.equal(only?.metrics.eval_accuracy, history[0]?.federated.eval_accuracy);
  const shown = await fleet.run(["job", "show", "north"]);
  assert.match(shown, /OVER DEVICES +DEVICES +MIN +25% +MEDIAN +75% +MAX\naccuracy +3 /);
  assert.match(shown, /SET +DEVICES +ACCURACY +LOSS\ngroup north +3 /);
});
