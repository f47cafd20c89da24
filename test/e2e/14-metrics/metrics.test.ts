import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Round } from "@selvedge/protocol";
import { classes, evaluationData, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import type { TestDevice } from "../test-device.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

const jobFile = `name: metrics
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
heldOutFraction: 0.25
batchSize: 8
learningRate: 0.1
rounds: 30
cohort: 2
quorum: 1
grace: 60s
deadline: 60s
evaluation: ${evaluationData}
metrics: [top_2, f1, perplexity]
target: { metric: macro_f1, atLeast: 0.8 }
`;

test("[AG10] [RC8] devices measure what a job asks for, it is added up exactly, and ends the job at its target", async () => {
  await using fleet = await TestFleet.start(2);
  const [, second] = fleet.devices;
  assert.ok(second !== undefined);
  await fleet.operator.startJob("metrics", jobFile);
  const job = await fleet.operator.watch("metrics");
  assert.equal(job.status, "completed", job.reason);
  assert.match(job.reason, /^macro_f1 \S+ reached its target 0.8$/);
  assert.ok(job.history.length < 30);
  for (const round of job.history) assertTogether(round, fleet.devices);
  const last = job.history.at(-1)?.evaluation ?? {};
  assert.ok((last.macro_f1 ?? 0) >= 0.8 && (last.top_2 ?? 0) >= (last.accuracy ?? 1));
  assert.ok((last.perplexity ?? 0) > 1 && (last.perplexity ?? 9) < classes);
  assert.equal(Object.keys(last).filter((name) => /^(f1|recall)_\d$/.test(name)).length, 2 * classes);

  const policy = join(second.folder, "policy.yaml");
  writeFileSync(policy, readFileSync(policy, "utf8").replace("classCounts: true", "classCounts: false"));
  await fleet.operator.startJob("refused", jobFile.replace("rounds: 30", "rounds: 1"));
  const { history } = await fleet.operator.watch("refused");
  const refusal = history[0]?.participants.find(({ device }) => device === second.id);
  assert.deepEqual(
    [refusal?.status, refusal?.reason],
    ["declined", "policy classCounts: counts of classes and sums of targets are not given"],
  );
});

type Figures = Readonly<Record<string, number>>;

/** Computes the cohort's figures from what its owners' logs say has left. */
function assertTogether({ number, federated }: Round, devices: readonly TestDevice[]): void {
  const left = devices.map((device) => reported(device, number));
  const total = (name: string) => left.reduce((sum, metrics) => sum + (metrics[name] ?? Number.NaN), 0);
  const examples = total("eval_examples");
  assert.equal(federated.eval_top_2, total("eval_top_2_correct") / examples);
  assert.equal(federated.eval_perplexity, Math.exp(total("eval_log_loss") / examples));
  const f1s = Array.from({ length: classes }, (_, each) => {
    const right = 2 * total(`eval_true_positives_${each}`);
    const wrong = total(`eval_false_positives_${each}`) + total(`eval_false_negatives_${each}`);
    return right / (right + wrong);
  });
  for (const [each, f1] of f1s.entries()) assert.equal(federated[`eval_f1_${each}`], f1);
  assert.equal(federated.eval_macro_f1, f1s.reduce((sum, f1) => sum + f1, 0) / classes);
  assert.ok(!("eval_true_positives_0" in federated) && !("eval_log_loss" in federated));
}

function reported({ folder }: TestDevice, round: number): Figures {
  const lines = readFileSync(join(folder, "audit.log"), "utf8").trimEnd().split("\n");
  const entries = lines.map(
    (line) => JSON.parse(line) as { readonly round: number; readonly metrics: Figures },
  );
  return entries.findLast((entry) => entry.round === round)?.metrics ?? {};
}
