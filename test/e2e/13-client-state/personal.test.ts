import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildMlp, parameterLayout, parseModel, readParameters, shareParameters } from "@selvedge/onnx";
import { until } from "../patience.fixture.ts";
import { classes, evaluationData, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import type { TestDevice } from "../test-device.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

test("[CS1] [CS2] [CS4] personal parameters outlive a killed agent, leave no device, and go with their job", async () => {
  await using fleet = await TestFleet.start(2);
  const [first] = fleet.devices;
  assert.ok(first !== undefined);
  await fleet.operator.startJob(
    "personal",
    `name: personal
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
optimizer: { name: adam }
personal: ["fc2.*"]
keepOptimizerState: true
localEpochs: 2
batchSize: 8
learningRate: 0.01
rounds: 4
cohort: 2
quorum: 2
deadline: 60s
evaluation: ${evaluationData}
`,
  );
  await first.says(/"keptSince":"begun anew"/);
  await first.kill();
  first.start();
  const job = await fleet.operator.watch("personal");
  assert.equal(job.status, "completed", job.reason);

  const path = join(fleet.folder, "trained.onnx");
  await fleet.run(["release", "personal"]);
  await fleet.run(["model", "get", "personal@1", "-o", path]);
  const model = parseModel(readFileSync(path));
  const initial = buildMlp({ inputShape: [imageSize], hidden: [16], classes, seed: 1 });
  const layout = parameterLayout(model);
  const { personal } = shareParameters(model, ["fc2.*"]);
  const [before, after] = [readParameters(initial, layout), readParameters(model, layout)];
  const isPersonal = layout.slots.map(({ name }) => personal.slots.some((slot) => slot.name === name));
  for (const [index, { offset, length }] of layout.slots.entries()) {
    const isSame = before
      .subarray(offset, offset + length)
      .every((value, at) => value === after[offset + at]);
    assert.equal(isSame, isPersonal[index]);
  }

  for (const device of fleet.devices) {
    // Each round goes on from the one before, to the last.
    assert.equal(device.count(/"keptSince":"begun anew"/), 1);
    assert.equal(device.count(/"keptSince":3/), 1);
    const kept = keptLines(device);
    assert.ok(kept.length >= 4 && kept.every(({ personal }) => personal.join() === "fc2.*"));
    await until(() => kept.every(({ digest }) => !hasBlob(device, digest)), "what was kept is gone");
  }
});

interface KeptLine {
  readonly digest: string;
  readonly personal: readonly string[];
}

function keptLines({ folder }: TestDevice): KeptLine[] {
  const lines = readFileSync(join(folder, "audit.log"), "utf8").trimEnd().split("\n");
  return lines.map((line) => (JSON.parse(line) as { readonly kept: KeptLine }).kept);
}

function hasBlob({ folder }: TestDevice, digest: string): boolean {
  const hex = digest.slice("sha256:".length);
  return existsSync(join(folder, "blobs", hex.slice(0, 2), hex));
}
