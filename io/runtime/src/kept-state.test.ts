import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { classReading, encodeIdx } from "@selvedge/datasets";
import {
  buildMlp,
  decodeSafetensors,
  encodeSafetensors,
  type OnnxModel,
  parameterLayout,
  pickTensors,
  placeTensors,
  readParameters,
  serializeModel,
  shareParameters,
  slotOf,
  updateLayout,
} from "@selvedge/onnx";
import { floats, modelOf, node, value } from "@selvedge/onnx/models.fixture";
import { SeededRandom, traitsOf } from "@selvedge/protocol";
import type { TrainingRequest } from "./training-methods.ts";
import { TrainingProcess } from "./training-process.ts";

const model = buildMlp({ inputShape: [4], hidden: [3], classes: 2, seed: 1 });
const layout = parameterLayout(model);
const base = readParameters(model, layout);
const { shared, personal } = shareParameters(model, ["fc2.*"]);

function requestIn(t: TestContext, trained: OnnxModel = model): TrainingRequest {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-kept-state-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);
  const random = SeededRandom.fromSeed("data");
  const labels = Uint8Array.from({ length: 60 }, () => random.integer(2));
  const values = Uint8Array.from({ length: 240 }, (_, index) => {
    return random.integer(100) + 155 * Number(index % 4 === labels[Math.floor(index / 4)]);
  });
  writeFileSync(at("images"), encodeIdx({ shape: [60, 2, 2], values }));
  writeFileSync(at("labels"), encodeIdx({ shape: [60], values: labels }));
  const all = parameterLayout(trained);
  writeFileSync(at("model"), serializeModel(trained));
  writeFileSync(at("weights"), encodeSafetensors(all, readParameters(trained, all)));
  return {
    ...{ modelPath: at("model"), weightsPath: at("weights"), updatePath: at("update") },
    dataset: { format: "idx", imagesPath: at("images"), labelsPath: at("labels"), classes: 2 },
    reading: classReading(2),
    ...{
      loss: "softmax-cross-entropy",
      optimizer: "adam",
      learningRate: 0.05,
      batchSize: 10,
      localEpochs: 1,
    },
    ...{ heldOutFraction: 0.2, maxExamples: 1_000, seed: "1", nextKeptPath: at("kept") },
  };
}

test("[CS2] personal parameters are trained and kept, are in no update, and are what is evaluated", async (t) => {
  await using training = await started();
  const request = { ...requestIn(t), personal: ["fc2.*"] };
  const first = await training.train(request);
  assert.deepEqual(first.kept, { isContinued: false });
  // What is sent and what is kept make up what training all of it gives.
  const sent = decodeSafetensors(readFileSync(request.updatePath), shared);
  const file = readFileSync(request.nextKeptPath ?? "");
  const own = ownOf(file);
  const { personal: _, ...whole } = request;
  await training.train({ ...whole, updatePath: `${request.updatePath}-all` });
  const all = decodeSafetensors(readFileSync(`${request.updatePath}-all`), layout);
  assert.deepEqual(sent, pickTensors(all, layout, shared));
  const moved = base.map((value, index) => value + (all[index] ?? 0));
  for (const [index, value] of pickTensors(moved, layout, personal).entries())
    assert.ok(Math.abs(value - (own[index] ?? Number.NaN)) < 1e-6);

  // The next round begins with them, whatever the round's base says of them.
  writeFileSync(
    `${request.weightsPath}-2`,
    encodeSafetensors(layout, placeTensors(base, layout, own, personal)),
  );
  const again = { ...request, keptPath: `${request.nextKeptPath}-1`, seed: "2" };
  writeFileSync(again.keptPath, file);
  const next = await training.train(again);
  assert.deepEqual(next.kept, { isContinued: true });
  const expected = await training.train({ ...request, weightsPath: `${request.weightsPath}-2`, seed: "2" });
  assert.equal(next.metrics.eval_loss, expected.metrics.eval_loss);
  assert.notEqual(next.metrics.eval_loss, first.metrics.eval_loss);
  assert.equal(next.update.digest, expected.update.digest);
});

test("[CS5] an optimizer that is kept goes on in the next round as if it had not stopped", async (t) => {
  await using training = await started();
  const request = { ...requestIn(t), keepsOptimizer: true, heldOutFraction: 0 };
  await training.train(request);
  const first = decodeSafetensors(readFileSync(request.updatePath), layout);
  const keptPath = `${request.nextKeptPath}-1`;
  writeFileSync(keptPath, readFileSync(request.nextKeptPath ?? ""));
  writeFileSync(
    request.weightsPath,
    encodeSafetensors(
      layout,
      base.map((value, index) => value + (first[index] ?? 0)),
    ),
  );
  const fresh = await training.train({ ...request, seed: "2" });
  const goesOn = await training.train({ ...request, seed: "2", keptPath });
  assert.deepEqual([fresh.kept, goesOn.kept], [{ isContinued: false }, { isContinued: true }]);
  assert.notEqual(goesOn.update.digest, fresh.update.digest);
  assert.equal(
    (await training.train({ ...request, seed: "2", keptPath })).update.digest,
    goesOn.update.digest,
  );
});

test("[CS3] what is kept of another model or plan is as nothing", async (t) => {
  await using training = await started();
  const request = { ...requestIn(t), personal: ["fc2.*"] };
  const fresh = await training.train(request);
  for (const bytes of [Buffer.from("no such file"), readFileSync(request.weightsPath)]) {
    const keptPath = `${request.nextKeptPath}-other`;
    writeFileSync(keptPath, bytes);
    const outcome = await training.train({ ...request, keptPath });
    assert.deepEqual(outcome.kept, { isContinued: false });
    assert.equal(outcome.update.digest, fresh.update.digest);
  }
});

test("statistics that no gradient moves have no control variate", async (t) => {
  const normalized = modelOf({
    inputs: [value("x", ["batch", 4])],
    nodes: [
      node("BatchNormalization", ["x", "scale", "bias", "mean", "variance"], "n"),
      node("MatMul", ["n", "w"], "y"),
    ],
    initializers: [
      ...["scale", "variance"].map((name) => floats(name, [4], [1, 1, 1, 1])),
      ...["bias", "mean"].map((name) => floats(name, [4], [0, 0, 0, 0])),
      floats("w", [4, 2], [1, 0, 0, 1, 1, 0, 0, 1]),
    ],
  });
  await using training = await started();
  const request = { ...requestIn(t, normalized), optimizer: "sgd" } as const;
  await training.train({ ...request, algorithm: { algorithm: "scaffold", population: 1 } });
  const { shared: whole } = shareParameters(normalized, []);
  const sent = updateLayout(whole, traitsOf("scaffold"));
  const values = decodeSafetensors(readFileSync(request.updatePath), sent);
  for (const slot of sent.slots) {
    const isZero = slotOf(values, slot).every((each) => each === 0);
    assert.equal(isZero, /^control.*(mean|variance)$/.test(slot.name), slot.name);
  }
});

test("[AL1] by FedNova a device sends its update over the weight of its steps, and that weight", async (t) => {
  await using training = await started();
  const request = { ...requestIn(t), optimizer: { name: "sgd", momentum: 0.5 }, localEpochs: 2 } as const;
  await training.train(request);
  const plain = decodeSafetensors(readFileSync(request.updatePath), layout);
  const weights = { momentum: 0.5, nesterov: false, proximal: 0, stepsMax: 40 };
  const made = await training.train({
    ...request,
    algorithm: { algorithm: "fednova", population: 0, weights },
  });
  const sent = updateLayout(layout, traitsOf("fednova"));
  const values = decodeSafetensors(readFileSync(request.updatePath), sent);
  // Gradients of steps that are 0, 1, 2, … steps from the last weigh 1, 1.5, 1.75, …
  const weight = Array.from({ length: made.steps }, (_, left) => 2 - 0.5 ** left).reduce((a, b) => a + b, 0);
  assert.equal(made.steps, 10);
  assert.deepEqual(made.kept, null);
  assert.equal(sent.slots.at(-1)?.name, "numbers/steps");
  assert.ok(Math.abs((values.at(-1) ?? 0) - (1024 * weight) / 80) < 1e-3);
  for (const [index, value] of plain.entries())
    assert.ok(Math.abs(value / weight - (values[index] ?? Number.NaN)) < 1e-7);
});

test("[AL6] by MimeLite a device sends the gradient of all its examples at the base beside its update", async (t) => {
  await using training = await started();
  const request = { ...requestIn(t), optimizer: "sgd", heldOutFraction: 0 } as const;
  const algorithm = { algorithm: "mimelite", population: 0, beta: 0.5 };
  await training.train({ ...request, algorithm, terms: { correction: true } });
  const sent = decodeSafetensors(
    readFileSync(request.updatePath),
    updateLayout(layout, traitsOf("mimelite")),
  );
  // One step of all 60 examples at once goes against that gradient.
  await training.train({ ...request, batchSize: 60, learningRate: 1 });
  const step = decodeSafetensors(readFileSync(request.updatePath), layout);
  for (const [index, value] of step.entries())
    assert.ok(Math.abs(value + (sent[layout.length + index] ?? Number.NaN)) < 1e-6);
});

test("[AL5] by q-FedAvg a device weighs its update by the loss of the base on all its examples", async (t) => {
  await using training = await started();
  const request = { ...requestIn(t), optimizer: "sgd", heldOutFraction: 0 } as const;
  await training.train(request);
  const plain = decodeSafetensors(readFileSync(request.updatePath), layout);
  const { dataset, loss, modelPath, reading, weightsPath } = request;
  const { loss: atBase } = await training.evaluate({ dataset, loss, modelPath, reading, weightsPath });
  const algorithm = { algorithm: "qfedavg", population: 0, q: 2, lossScale: 0.5 };
  await training.train({ ...request, algorithm });
  const sent = decodeSafetensors(readFileSync(request.updatePath), updateLayout(layout, traitsOf("qfedavg")));
  const relative = atBase / 0.5;
  const norm = plain.reduce((sum, value) => sum + value * value, 0);
  const slope = relative ** 2 + ((2 / 0.5) * relative * norm) / request.learningRate;
  for (const [index, value] of plain.entries())
    assert.ok(Math.abs(relative ** 2 * value - (sent[index] ?? Number.NaN)) < 1e-5);
  assert.ok(Math.abs((sent.at(-2) ?? 0) / slope - 1) < 1e-4);
  assert.ok(Math.abs((sent.at(-1) ?? 0) / relative - 1) < 1e-4);
});

/** The personal section of a file, behind the header and the number of steps. */
function ownOf(file: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(file.subarray(-4 * personal.length)).buffer);
}

async function started(): Promise<AsyncDisposable & TrainingProcess> {
  const training = await TrainingProcess.start();
  return Object.assign(training, { [Symbol.asyncDispose]: () => training.stop() });
}
