import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { decodeSafetensors, encodeSafetensors, type ParameterLayout, parameterLayout } from "@selvedge/onnx";
import { readKeptState } from "./kept-state.ts";
import type { TrainingRequest } from "./training-methods.ts";
import { type TrainingSetting, withTraining } from "./with-training.fixture.ts";

/** What Ditto keeps, and what is sent, of a device whose pull is of this strength. */
class DittoDevice {
  readonly #setting: TrainingSetting;
  readonly #request: TrainingRequest;
  readonly layout: ParameterLayout;

  constructor(setting: TrainingSetting, proximal: number) {
    const { folder, model, request } = setting;
    this.#setting = setting;
    this.layout = parameterLayout(model);
    this.#request = {
      ...{ ...request, heldOutFraction: 0.25, nextKeptPath: join(folder, "kept.safetensors") },
      personalModel: { kind: "ditto", proximal, localEpochs: 3, learningRate: 0.2 },
    };
  }

  /** The update and the model that it keeps. */
  async train(changes: Partial<TrainingRequest> = {}): Promise<[Float32Array, Float32Array]> {
    const request = { ...this.#request, ...changes };
    await this.#setting.training.train(request);
    const kept = await readKeptState(request.nextKeptPath, { model: this.layout });
    return [await this.update(), kept?.sections.model ?? assert.fail("no model was kept")];
  }

  /** What the common training would make with the settings of the personal model. */
  async alone(changes: Partial<TrainingRequest> = {}): Promise<Float32Array> {
    const { personalModel: _personal, ...request } = { ...this.#request, ...changes };
    await this.#setting.training.train({ ...request, localEpochs: 3, learningRate: 0.2 });
    const update = await this.update();
    const base = decodeSafetensors(await readFile(request.weightsPath), this.layout);
    return update.map((value, index) => value + (base[index] ?? 0));
  }

  /** A file with these parameters. */
  async write(name: string, parameters: Float32Array): Promise<string> {
    const path = join(this.#setting.folder, name);
    await writeFile(path, encodeSafetensors(this.layout, parameters));
    return path;
  }

  async update(): Promise<Float32Array> {
    return decodeSafetensors(await readFile(this.#request.updatePath), this.layout);
  }
}

test("[CS9] the first round's personal model is what FedProx would make of the base, and the update does not see it", async () => {
  await withTraining(async (setting) => {
    const device = new DittoDevice(setting, 0.5);
    const [update, model] = await device.train();
    assertClose(model, await device.alone({ terms: { proximal: 0.5 } }));
    await setting.training.train({ ...setting.request, heldOutFraction: 0.25 });
    assert.deepEqual(update, await device.update());
  });
});

test("[CS9] without a pull each device learns for itself, from where it left its model", async () => {
  await withTraining(async (setting) => {
    const device = new DittoDevice(setting, 0);
    const [, first] = await device.train();
    assertClose(first, await device.alone());
    const keptPath = join(setting.folder, "kept-before.safetensors");
    await writeFile(keptPath, await readFile(join(setting.folder, "kept.safetensors")));
    const other = await device.write(
      "other.safetensors",
      first.map((value) => value * 0.5),
    );
    const [, second] = await device.train({ keptPath, weightsPath: other });
    const from = await device.write("first.safetensors", first);
    assertClose(second, await device.alone({ weightsPath: from }));
  });
});

test("[CS9] a strong pull keeps it near the round's base", async () => {
  await withTraining(async (setting) => {
    const distances: number[] = [];
    for (const proximal of [0, 1, 4]) {
      const device = new DittoDevice(setting, proximal);
      const [, model] = await device.train();
      const base = decodeSafetensors(await readFile(setting.request.weightsPath), device.layout);
      distances.push(Math.hypot(...model.map((value, index) => value - (base[index] ?? 0))));
    }
    const [none = 0, some = 0, strong = 0] = distances;
    assert.ok(none > some && some > strong, `${distances}`);
  });
});

test("[EV6] what is measured of a personal model is of that model, after it was trained", async () => {
  await withTraining(async ({ folder, model, request, training }) => {
    const nextKeptPath = join(folder, "kept.safetensors");
    const personalModel = { kind: "ditto", proximal: 0.1, localEpochs: 4, learningRate: 0.2 } as const;
    const held = { ...request, heldOutFraction: 0.25, nextKeptPath, personalModel };
    const { metrics } = await training.train(held);
    const layout = parameterLayout(model);
    const kept = await readKeptState(nextKeptPath, { model: layout });
    const own = join(folder, "own.safetensors");
    await writeFile(own, encodeSafetensors(layout, kept?.sections.model ?? new Float32Array()));
    const { personalModel: _personal, ...plain } = held;
    const measured = await training.measure({ ...plain, weightsPath: own });
    assert.equal(metrics.personal_loss, measured.metrics.eval_loss);
    assert.equal(metrics.personal_accuracy, measured.metrics.eval_accuracy);
    assert.ok((metrics.personal_loss ?? 9) < (metrics.eval_loss ?? 0));

    const again = await training.measure({ ...held, keptPath: nextKeptPath });
    assert.equal(again.metrics.personal_loss, metrics.personal_loss);
    assert.equal(again.metrics.eval_loss, metrics.eval_loss);
    const without = await training.measure(held);
    assert.equal(without.metrics.personal_loss, metrics.eval_loss);
  });
});

test("[EV6] fine-tuning begins with what is measured, trains on what is not held out, and leaves nothing", async () => {
  await withTraining(async ({ folder, model, request, training }) => {
    const held = { ...request, heldOutFraction: 0.25, terms: { proximal: 5 } };
    const personalModel = { kind: "fine-tuning", proximal: 0, localEpochs: 5, learningRate: 0.2 } as const;
    const { metrics, examples } = await training.measure({ ...held, personalModel });
    await training.train({ ...request, heldOutFraction: 0.25, localEpochs: 5, learningRate: 0.2 });
    const layout = parameterLayout(model);
    const update = decodeSafetensors(await readFile(request.updatePath), layout);
    const base = decodeSafetensors(await readFile(request.weightsPath), layout);
    const tuned = join(folder, "tuned.safetensors");
    await writeFile(
      tuned,
      encodeSafetensors(
        layout,
        update.map((value, index) => value + (base[index] ?? 0)),
      ),
    );
    const measured = await training.measure({ ...held, weightsPath: tuned });
    assert.ok(Math.abs((metrics.personal_loss ?? 0) - (measured.metrics.eval_loss ?? 9)) < 1e-6);
    assert.equal(metrics.eval_loss, (await training.measure(held)).metrics.eval_loss);
    assert.equal(examples, metrics.personal_examples);
  });
});

/** Subtracting and adding the base rounds. */
function assertClose(actual: Float32Array, expected: Float32Array): void {
  for (const [index, value] of actual.entries()) {
    assert.ok(
      Math.abs(value - (expected[index] ?? Number.NaN)) < 1e-6,
      `${index}: ${value}, not ${expected[index]}`,
    );
  }
}
