import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { classes, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

const jobFile = `name: digits
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
heldOutFraction: 0.25
batchSize: 8
learningRate: 0.1
rounds: 4
cohort: 2
quorum: 2
deadline: 60s
keepEvery: 2
`;

test("[WS1] [WS2] a job forks from a round whose weights are kept, and another begins with a release", async () => {
  await using fleet = await TestFleet.start(2);
  const path = join(fleet.folder, "job.yaml");
  writeFileSync(path, jobFile);
  await fleet.run(["job", "run", path, "--id", "first"]);
  const first = await fleet.operator.watch("first");
  assert.equal(first.status, "completed", first.reason);
  assert.match(await fleet.run(["job", "show", "first"]), /kept +weights of rounds 2, 4\n/);

  await assert.rejects(fleet.run(["job", "fork", "first", "--round", "3"]), /there are those of 2, 4/);
  // Devices measure what the third round of the first began with.
  await fleet.run(["job", "fork", "first", "--round", "2", "--id", "second", "--set", "task=evaluate"]);
  const second = await fleet.operator.watch("second");
  assert.equal(second.status, "completed", second.reason);
  const [measured] = second.history;
  assert.equal(measured?.federated.eval_loss, first.history[2]?.federated.eval_loss);
  assert.match(await fleet.run(["job", "show", "second"]), /from +round 2 of job first\n/);

  await fleet.run(["release", "first"]);
  const warm = ["--set", "from=digits@1", "--set", "rounds=1", "--id", "third"];
  await fleet.run(["job", "run", path, ...warm]);
  const third = await fleet.operator.watch("third");
  assert.equal(third.status, "completed", third.reason);
  assert.deepEqual(third.origin?.kind.value, { ...third.origin?.kind.value, model: "digits", version: 1n });
  const { eval_loss: began = 9 } = third.history[0]?.federated ?? {};
  assert.ok(began < (first.history[3]?.federated.eval_loss ?? 0));

  const other = ["--set", "from=digits@1", "--set", "model.hidden=[8]", "--id", "fourth"];
  await assert.rejects(fleet.run(["job", "run", path, ...other]), /digits@1 has no parameter "fc1.weight"/);
});
