import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { classes, evaluationData, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import type { TestDevice } from "../test-device.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

const training = `name: digits
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
heldOutFraction: 0.25
batchSize: 8
learningRate: 0.1
localEpochs: 2
rounds: 2
cohort: 2
quorum: 1
grace: 60s
deadline: 60s
evaluation: ${evaluationData}
metrics: [f1]
`;

test("[EV1] [EV2] [EV3] devices measure a released model on what they hold out, and nothing but metrics leaves", async () => {
  await using fleet = await TestFleet.start(2);
  const [, second] = fleet.devices;
  assert.ok(second !== undefined);
  await fleet.operator.startJob("trained", training);
  assert.equal((await fleet.operator.watch("trained")).status, "completed");
  await fleet.run(["release", "trained"]);
  const path = join(fleet.folder, "trained.onnx");
  await fleet.run(["model", "get", "digits@1", "-o", path]);

  const jobPath = join(fleet.folder, "job.yaml");
  writeFileSync(jobPath, training);
  const evaluate = (id: string, ...sets: string[]): Promise<string> =>
    fleet.run([
      ...["job", "run", jobPath, "--id", id, "--set", "task=evaluate", "--set", `model=${path}`],
      ...sets.flatMap((set) => ["--set", set]),
    ]);
  await evaluate("measured");
  const job = await fleet.operator.watch("measured");
  assert.equal(job.status, "completed", job.reason);
  assert.deepEqual([job.model, job.history.length], [undefined, 1]);
  const [round] = job.history;
  const left = fleet.devices.map((device) => reported(device, "measured"));
  for (const { kind, metrics } of left) {
    assert.equal(kind, "evaluation");
    assert.ok(!("train_loss" in metrics) && (metrics.eval_examples ?? 0) > 0);
  }
  const examples = left.reduce((sum, { metrics }) => sum + (metrics.eval_examples ?? 0), 0);
  const right = left.reduce(
    (sum, { metrics }) => sum + (metrics.eval_accuracy ?? 0) * (metrics.eval_examples ?? 0),
    0,
  );
  assert.deepEqual([round?.phase, round?.federated.eval_examples], ["evaluate", examples]);
  assert.ok(Math.abs((round?.federated.eval_accuracy ?? 0) - right / examples) < 1e-12);
  assert.ok((round?.federated.eval_macro_f1 ?? 0) > 0.5);
  assert.match(
    await fleet.run(["job", "show", "measured"]),
    /evaluation +softmax-cross-entropy, on held-out/,
  );
  await assert.rejects(fleet.run(["release", "measured"]), /it has no model to release/);

  const policy = join(second.folder, "policy.yaml");
  writeFileSync(policy, readFileSync(policy, "utf8").replace("tasks: [train, evaluate]", "tasks: [train]"));
  await evaluate("all", "examples=all");
  const { history } = await fleet.operator.watch("all");
  const [of] = history;
  const refusal = of?.participants.find(({ device }) => device === second.id);
  assert.deepEqual(
    [refusal?.status, refusal?.reason],
    ["declined", 'policy tasks: "evaluate" is not among those allowed'],
  );
  // The first device has 80 examples.
  assert.equal(of?.federated.eval_examples, 80);
});

interface Entry {
  readonly kind: string;
  readonly job: string;
  readonly metrics: Readonly<Record<string, number>>;
}

function reported({ folder }: TestDevice, job: string): Entry {
  const lines = readFileSync(join(folder, "audit.log"), "utf8").trimEnd().split("\n");
  const entries = lines.map((line) => JSON.parse(line) as Entry);
  return entries.findLast((entry) => entry.job === job) ?? assert.fail(`nothing left for ${job}`);
}
