import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { jobFile } from "../job-file.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

const slowAverage = join(import.meta.dirname, "../../../examples/slow-average");

test("[RC15] a strategy of the operator's own makes the rounds' models, by its digest, over a restart", async () => {
  await using fleet = await TestFleet.start(2);
  const digest = (await fleet.run(["strategy", "install", slowAverage])).trim();
  const job = (options: string): string =>
    `${jobFile("2s").replace("cohort: 3", "cohort: 2")}server: { name: strategy, digest: "${digest}"${options} }\n`;
  const unknown = job("").replace(digest, `sha256:${"0".repeat(64)}`);
  await assert.rejects(fleet.operator.startJob("unknown", unknown), /no strategy sha256:0+ is installed/);

  await fleet.operator.startJob("slow", job(""));
  await fleet.killCoordinator();
  await fleet.startCoordinator();
  const slow = await fleet.operator.watch("slow");
  await fleet.operator.startJob("still", job(", options: { keep: 1 }"));
  const still = await fleet.operator.watch("still");

  assert.deepEqual([slow.status, still.status], ["completed", "completed"], slow.reason + still.reason);
  const losses = slow.history.map(({ evaluation }) => evaluation.loss ?? Number.NaN);
  assert.ok((losses.at(-1) ?? 9) < (losses[0] ?? 0), `losses ${losses.join(", ")}`);
  // All of the model is kept: no round moves it.
  const unmoved = new Set(still.history.map(({ evaluation }) => evaluation.loss));
  assert.equal(unmoved.size, 1);
});
