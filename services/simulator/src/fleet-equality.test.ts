import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { trainingRequest } from "@selvedge/agent";
import { type LabelledIdxSource, writePartition } from "@selvedge/datasets";
import { aggregatorOf, openSumRound, serverOptimizerNamed } from "@selvedge/learning";
import {
  decodeSafetensors,
  encodeSafetensors,
  parameterLayout,
  parseModel,
  readParameters,
} from "@selvedge/onnx";
import { decodePlan, digestOf } from "@selvedge/protocol";
import { TrainingProcess } from "@selvedge/runtime";
import { simulate } from "./simulation.ts";
import type { SimulationOptions } from "./simulation-options.ts";
import { smallSimulation, smallSource } from "./small-simulation.fixture.ts";

test("[SL1] a simulated round has the bits that devices come to with the same data in files of their own", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-simulation-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  let simulated = "";
  const options = await smallSimulation({
    folder,
    clients: 3,
    plan: {
      schedule: { rounds: 1, cohort: 3 },
      training: { heldOutFraction: 0.2, maxExamplesPerDevice: 12 },
    },
    options: {
      onRound: ({ weights }) => {
        simulated = weights;
      },
    },
  });
  await simulate(options);
  assert.equal(await roundOfDevices(options, smallSource(join(folder, "data")), folder), simulated);
});

/** One round of plain averaging, by the parts that agents and coordinator are made of. */
async function roundOfDevices(
  { clients, model: modelBytes, plan: planBytes }: SimulationOptions,
  source: LabelledIdxSource,
  folder: string,
): Promise<string> {
  const plan = decodePlan(planBytes);
  const model = parseModel(modelBytes);
  const layout = parameterLayout(model);
  const base = readParameters(model, layout);
  const [modelPath, basePath, updatePath] = ["model", "base", "update"].map((name) => join(folder, name));
  writeFileSync(modelPath ?? "", modelBytes);
  writeFileSync(basePath ?? "", encodeSafetensors(layout, base));
  const reference = { digest: digestOf(new Uint8Array()), length: 0 };
  const blobs = {
    pathOf: (digest: string) => (digest === plan.model.digest ? modelPath : basePath) ?? "",
  };
  const targets = clients.map(({ rows = new Int32Array() }, index) => ({
    indices: rows,
    folder: join(folder, `device-${index}`),
  }));
  const aggregator = aggregatorOf({ name: "weighted-mean" });
  const context = {
    cohort: clients.length,
    maxExamplesPerDevice: plan.train.maxExamplesPerDevice,
    parameters: layout.length,
  };
  const round = openSumRound(aggregator.prepare(aggregator.initialState(), context), 0);
  let sum = aggregator.zero(round);
  const process = await TrainingProcess.start();
  try {
    for (const [index, dataset] of (await writePartition(source, targets)).entries()) {
      const start = { plan, model: plan.model, base: reference, round: 1, roundsDone: 0 };
      const task = { ...start, scaling: null, kept: null, control: null, lossScale: null };
      const request = { ...trainingRequest(task, dataset, blobs), updatePath: updatePath ?? "" };
      const { examples } = await process.train(request);
      sum = aggregator.accumulate(round, sum, {
        format: "f32",
        contributors: [`client-${index + 1}`],
        configDigest: round.configDigest,
        baseVersion: 0,
        weight: aggregator.weigh(round.config, examples),
        values: decodeSafetensors(readFileSync(updatePath ?? ""), layout),
      });
    }
  } finally {
    await process.stop();
  }
  const optimizer = serverOptimizerNamed("fedavg", {});
  const { result } = aggregator.report(round, sum);
  const { parameters } = optimizer.update(optimizer.init(layout.length), base, result);
  return digestOf(encodeSafetensors(layout, parameters));
}
