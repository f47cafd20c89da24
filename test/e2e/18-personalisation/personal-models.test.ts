import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeIdx } from "@selvedge/datasets";
import { classes, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import type { TestDevice } from "../test-device.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

const jobFile = `name: own
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
personalModel: { kind: ditto, lambda: 0.01, localEpochs: 4 }
heldOutFraction: 0.25
batchSize: 8
learningRate: 0.1
localEpochs: 2
rounds: 4
cohort: 2
quorum: 2
deadline: 60s
`;

test("[CS1] [CS9] [EV6] devices that disagree learn models of their own, which outlive a killed agent and never leave", async () => {
  await using fleet = await TestFleet.start(2);
  const [first, second] = fleet.devices;
  assert.ok(first !== undefined && second !== undefined);
  renameClasses(second);
  await fleet.operator.startJob("own", jobFile);
  await first.says(/"keptSince":"begun anew"/);
  await first.kill();
  first.start();
  const job = await fleet.operator.watch("own");
  assert.equal(job.status, "completed", job.reason);
  const { federated, spread } = job.history.at(-1) ?? assert.fail();
  const { eval_accuracy = 1, personal_accuracy = 0 } = federated;
  assert.ok(personal_accuracy > eval_accuracy + 0.2, `${personal_accuracy}, and ${eval_accuracy} in common`);
  assert.deepEqual(spread, {});
  for (const device of fleet.devices) {
    // Each round goes on from the one before, to the last.
    assert.deepEqual([device.count(/"keptSince":"begun anew"/), device.count(/"keptSince":3/)], [1, 1]);
    for (const { bytes, kept } of sentBy(device, "own")) {
      assert.ok(kept?.model === true && kept.bytes > bytes);
      assert.equal(BigInt(bytes), job.weights?.length);
    }
  }

  await fleet.run(["release", "own"]);
  const path = join(fleet.folder, "own.onnx");
  await fleet.run(["model", "get", "own@1", "-o", path]);
  const tuning = "personalModel={ kind: fine-tuning, localEpochs: 8 }";
  await fleet.operator.startJob("tuned", jobFile, ["task=evaluate", `model=${path}`, tuning]);
  const tuned = await fleet.operator.watch("tuned");
  const { eval_accuracy: before = 1, personal_accuracy: after = 0 } = tuned.history[0]?.federated ?? {};
  assert.ok(after > before + 0.2, `${after} after fine-tuning, ${before} before`);
  for (const device of fleet.devices)
    for (const { kept } of sentBy(device, "tuned")) assert.equal(kept, undefined);
  assert.match(await fleet.run(["job", "show", "tuned"]), / personal\n/);
});

/** What the first device calls 0 is 1 on this one, and so on. */
function renameClasses({ dataFolder }: TestDevice): void {
  const path = join(dataFolder, "labels.idx");
  const header = 8;
  const labels = readFileSync(path).subarray(header);
  const values = labels.map((label) => (label + 1) % classes);
  writeFileSync(path, encodeIdx({ shape: [labels.length], values: Uint8Array.from(values) }));
}

interface Sent {
  readonly job: string;
  readonly bytes: number;
  readonly kept?: { readonly bytes: number; readonly model: boolean };
}

function sentBy({ folder }: TestDevice, job: string): Sent[] {
  const lines = readFileSync(join(folder, "audit.log"), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Sent).filter((sent) => sent.job === job);
}
