import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildMlp, describeModel, type OnnxModel, parseModel, serializeModel } from "@selvedge/onnx";
import { integers, modelOf, node, value } from "@selvedge/onnx/models.fixture";
import { classes, evaluationData, imageSize, trainingData } from "../synthetic-digits.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

test("[OF9] [RE10] [RE11] [RE12] a loss of the model's own trains where its owner allows it, and is not released", async () => {
  await using fleet = await TestFleet.start(2);
  const [willing, other] = fleet.devices;
  assert.ok(willing !== undefined && other !== undefined);
  const policy = join(willing.folder, "policy.yaml");
  writeFileSync(policy, readFileSync(policy, "utf8").replace("customLoss: false", "customLoss: true"));
  const path = join(fleet.folder, "own-loss.onnx");
  writeFileSync(path, serializeModel(withOwnLoss()));
  await fleet.operator.startJob(
    "own-loss",
    `name: own-loss
model: ${path}
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
loss: { name: custom, output: loss }
learningRate: 0.2
schedule: { decay: cosine, warmupRounds: 1, byStep: true }
batchSize: 4
accumulate: 2
localEpochs: 3
rounds: 4
cohort: 2
quorum: 1
grace: 2s
deadline: 60s
evaluation: ${evaluationData}
`,
  );
  const job = await fleet.operator.watch("own-loss");
  assert.equal(job.status, "completed", job.reason);
  const losses = job.history.map(({ evaluation }) => evaluation.loss ?? Number.NaN);
  assert.ok((losses.at(-1) ?? 9) < 0.5 * (losses[0] ?? 0), `losses ${losses.join(", ")}`);
  assert.ok(other.count(/policy customLoss/) > 0);
  assert.equal(willing.count(/policy customLoss/), 0);

  const released = join(fleet.folder, "trained.onnx");
  await fleet.run(["release", "own-loss"]);
  await fleet.run(["model", "get", "own-loss@1", "-o", released]);
  const { inputs, outputs } = describeModel(parseModel(readFileSync(released)));
  assert.deepEqual([inputs.length, outputs.length], [1, 1]);
  assert.deepEqual(outputs[0]?.shape, [-1, classes]);
});

/** Cross-entropy behind an untrained perceptron, as an exporter would write it. */
function withOwnLoss(): OnnxModel {
  const model = buildMlp({ inputShape: [imageSize], hidden: [16], classes, seed: 1 });
  const loss = modelOf({
    inputs: [value("labels", ["batch"], "int64")],
    nodes: [
      node("LogSoftmax", ["logits"], "logp", { axis: ["int", -1] }),
      node("Unsqueeze", ["labels", "one"], "column"),
      node("GatherElements", ["logp", "column"], "right", { axis: ["int", 1] }),
      node("ReduceMean", ["right"], "mean", { keepdims: ["int", 0] }),
      node("Neg", ["mean"], "loss"),
    ],
    outputs: [value("loss", [])],
    initializers: [integers("one", [1])],
  });
  const [own, added] = [model.graph, loss.graph];
  assert.ok(own !== undefined && added !== undefined);
  own.input.push(...added.input);
  own.node.push(...added.node);
  own.output.push(...added.output);
  own.initializer.push(...added.initializer);
  return model;
}
