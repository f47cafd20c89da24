import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { classReading, type IdxSource } from "@selvedge/datasets";
import {
  buildMlp,
  decodeSafetensors,
  encodeSafetensors,
  parameterLayout,
  readParameters,
} from "@selvedge/onnx";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import type { TrainingRequest } from "./training-methods.ts";
import { TrainingProcess } from "./training-process.ts";
import { withTraining, writeModel } from "./with-training.fixture.ts";

test("[RE1] an update is new - base: float32 safetensors in the model's layout, named by digest and length", async () => {
  await withTraining(async ({ request, model, training }) => {
    const outcome = await training.train(request);
    const file = await readFile(request.updatePath);
    assert.deepEqual(outcome.update, { digest: digestOf(file), length: file.length });
    assert.equal(outcome.examples, 200);
    assert.equal(outcome.steps, 2 * 7);

    const layout = parameterLayout(model);
    const update = decodeSafetensors(file, layout);
    const base = readParameters(model, layout);
    const moved = update.map((value, index) => value + (base[index] ?? 0));
    await writeFile(request.weightsPath, encodeSafetensors(layout, moved));
    const after = await training.evaluate(request);
    await writeFile(request.weightsPath, encodeSafetensors(layout, base));
    const before = await training.evaluate(request);
    assert.equal(after.examples, 200);
    assert.ok(after.loss < before.loss, `loss ${before.loss} became ${after.loss}`);
  });
});

test("[RE2] the same inputs and seed give the same bytes, another seed gives others", async () => {
  await withTraining(async ({ request, training, folder }) => {
    const other = { ...request, updatePath: join(folder, "again.safetensors") };
    const first = await training.train(request);
    const again = await training.train(other);
    assert.deepEqual(again.update, first.update);
    assert.deepEqual(await readFile(other.updatePath), await readFile(request.updatePath));
    const { seconds: _, ...metrics } = first.metrics;
    assert.deepEqual({ ...again.metrics, seconds: 0 }, { ...metrics, seconds: 0 });
    const reseeded = await training.train({ ...request, seed: "another" });
    assert.notEqual(reseeded.update.digest, first.update.digest);
  });
});

test("[RE11] a round's learning rate is the schedule's, and in steps where it changes from step to step", async () => {
  await withTraining(async ({ request, training }) => {
    const schedule = { decay: "step", warmupRounds: 2, everyRounds: 1, factor: 0.5, finalFactor: 0 } as const;
    const digest = async (change: Partial<TrainingRequest>) =>
      (await training.train({ ...request, ...change })).update.digest;
    const rate = (done: number, byStep: boolean) => ({ schedule, done, rounds: 5, byStep });
    const half = await digest({ learningRate: request.learningRate / 2 });
    assert.equal(await digest({ rate: rate(0, false) }), half, "the first of two rounds of warm-up");
    assert.equal(await digest({ rate: rate(3, false) }), half, "the second after it");
    assert.equal(await digest({ rate: rate(3, true) }), half, "the same in every step");
    assert.notEqual(await digest({ rate: rate(0, true) }), half, "rises within the round");
  });
});

test("[RE10] a batch in parts is one step", async () => {
  await withTraining(async ({ request, training }) => {
    const { steps } = await training.train({ ...request, accumulate: 3 });
    assert.equal(steps, 2 * Math.ceil(200 / (3 * request.batchSize)));
  });
});

test("[RE3] a result that is not finite is a failure, and nothing is written", async () => {
  await withTraining(async ({ request, training, folder }) => {
    const before = await readdir(folder);
    await assert.rejects(
      training.train({ ...request, learningRate: 1e30 }),
      failsWith("out_of_range", /diverged/),
    );
    assert.deepEqual(await readdir(folder), before);
  });
});

test("[RE5] at most maxExamples are trained on, and held-out examples measure the base, not the result", async () => {
  await withTraining(async ({ request, training }) => {
    const outcome = await training.train({ ...request, heldOutFraction: 0.25, maxExamples: 64 });
    assert.equal(outcome.examples, 64);
    assert.equal(outcome.steps, 2 * 2);
    const { eval_examples, eval_loss } = outcome.metrics;
    assert.ok(eval_examples !== undefined && eval_examples > 30 && eval_examples < 70);
    const again = await training.train({ ...request, heldOutFraction: 0.25, localEpochs: 5 });
    assert.equal(again.metrics.eval_loss, eval_loss);
    const none = await training.train(request);
    assert.ok(!("eval_loss" in none.metrics));
  });
});

test("[EV1] a device measures what a training of the same settings holds out, or all it has", async () => {
  await withTraining(async ({ request, training }) => {
    const held = { ...request, heldOutFraction: 0.25 };
    const trained = await training.train(held);
    const measured = await training.measure(held);
    const { seconds, ...figures } = measured.metrics;
    assert.ok((seconds ?? 0) > 0);
    assert.equal(measured.examples, figures.eval_examples);
    for (const [name, value] of Object.entries(figures)) assert.equal(value, trained.metrics[name]);
    assert.equal((await training.measure({ ...held, maxExamples: 7 })).examples, 7);
    assert.equal((await training.measure({ ...request, heldOutFraction: 1 })).examples, 200);
    await assert.rejects(training.measure(request), failsWith("failed_precondition", /no examples/));
  });
});

test("a dataset of another shape is refused before training, with both shapes", async () => {
  await withTraining(async ({ request, training, folder }) => {
    const modelPath = join(folder, "other.onnx");
    const weightsPath = join(folder, "other.safetensors");
    await writeModel(
      buildMlp({ inputShape: [5, 3], hidden: [], classes: 3, seed: 1 }),
      modelPath,
      weightsPath,
    );
    await assert.rejects(
      training.train({ ...request, modelPath, weightsPath }),
      failsWith("failed_precondition", /\[4, 4\].*\[5, 3\]/),
    );
    await assert.rejects(
      training.train({ ...request, dataset: Object.assign({ ...request.dataset }, { classes: 4 }) }),
      failsWith("failed_precondition", /3 classes apart and the dataset has 4/),
    );
    await assert.rejects(
      training.train({ ...request, weightsPath }),
      failsWith("failed_precondition", /of shape \[16, 8\].*\[15, 3\]/),
    );
    await assert.rejects(
      training.train({ ...request, modelPath: join(folder, "none.onnx") }),
      failsWith("not_found", /./),
    );
  });
});

test("[RE7] cancelling and running out of time kill the child, and the next call starts a fresh one", async () => {
  await withTraining(async ({ request, training, folder }) => {
    const before = await readdir(folder);
    const cancel = new AbortController();
    const endless = { ...request, localEpochs: 1_000_000 };
    const cancelled = training.train(endless, { signal: cancel.signal, onProgress: () => cancel.abort() });
    await assert.rejects(cancelled, failsWith("cancelled", /cancelled/));
    assert.deepEqual(await readdir(folder), before);
    assert.ok((await training.train(request)).steps > 0);

    const aborted = AbortSignal.abort();
    await assert.rejects(training.train(request, { signal: aborted }), failsWith("cancelled", /./));
    assert.ok((await training.train(request)).steps > 0);

    await assert.rejects(
      training.train(endless, { timeoutMs: 300 }),
      failsWith("too_large", /longer than 300 ms/),
    );
    assert.ok((await training.evaluate(request)).examples > 0);
  });
});

test("[RE8] a model whose training takes more memory than allowed is refused, naming figure and limit", async () => {
  await withTraining(async ({ request, training }) => {
    await assert.rejects(
      training.train({ ...request, memoryBytesMax: 150_000_000 }),
      failsWith("too_large", /training in batches of 32 takes about \d+ MB of memory.*at most 150 MB/),
    );
    await assert.rejects(
      training.evaluate({ ...request, memoryBytesMax: 150_000_000 }),
      failsWith("too_large", /evaluating in batches of 100 takes .* at most 150 MB/),
    );
    const large = 100_000;
    await assert.rejects(
      training.train({ ...request, batchSize: large, memoryBytesMax: 200_000_000 }),
      failsWith("too_large", /training in batches of 100000 takes/),
    );
    assert.ok((await training.train({ ...request, memoryBytesMax: 1_000_000_000 })).steps > 0);
  });
});

test("[RE7] a training that holds more memory than allowed is killed, and the next starts a fresh process", async () => {
  await withTraining(async ({ request, training }) => {
    const endless = { ...request, localEpochs: 1_000_000 };
    // As if what the training needs had been inferred wrong.
    const killed = training.train(endless, { memoryBytesMax: 50_000_000 });
    await assert.rejects(killed, failsWith("too_large", /had \d+ MB .* at most 50 MB/));
    assert.ok((await training.train(request)).steps > 0);
  });
});

test("trains under Node's permission model, which then keeps it out of other folders", async () => {
  await withTraining(async ({ request, folder }) => {
    const fixture = fileURLToPath(new URL("./training-process.fixture.ts", import.meta.url));
    const repository = join(dirname(fixture), "..", "..", "..");
    const run = (readable: string) =>
      promisify(execFile)(process.execPath, [
        "--permission",
        `--allow-fs-read=${repository}`,
        `--allow-fs-read=${readable}`,
        `--allow-fs-write=${folder}`,
        "--allow-addons",
        "--allow-child-process",
        fixture,
        JSON.stringify(request),
      ]);
    assert.match((await run(folder)).stdout, /^sha256:/);
    assert.match((await run(repository)).stdout, /^permission_denied/);
  });
});

test("a child that could not start is tried again with the next call, and stopping it is no error", async () => {
  const training = new TrainingProcess({ startTimeoutMs: 1 });
  const request = { modelPath: "/none", weightsPath: "/none", dataset: noData, reading: classReading(2) };
  await assert.rejects(training.evaluate(request), { code: "deadline_exceeded" });
  await training.stop();
  await assert.rejects(training.evaluate(request), { code: "deadline_exceeded" });
});

const noData: IdxSource = { format: "idx", imagesPath: "/none", labelsPath: "/none", classes: 2 };

function failsWith(code: string, pattern: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof SelvedgeError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, pattern);
    return true;
  };
}
