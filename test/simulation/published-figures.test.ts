import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { RoundPoint } from "@selvedge/simulator";
import { roundsTo, type Variant } from "../../scripts/reproduction/cell.ts";
import { fedProxVariant } from "../../scripts/reproduction/fedprox-cells.ts";
import { mnistJob, onMnist } from "../../scripts/reproduction/mnist-cells.ts";
import { runVariant } from "../../scripts/reproduction/run-variant.ts";

// The quick ends of cells of `npm run reproduce`.

test("federated averaging of MNIST's 2NN, IID, comes to 95 % within 19 rounds", async (t) => {
  const job = mnistJob("2nn", 1, { learningRate: 0.1, batchSize: 10, rounds: 19, target: 0.95 });
  const points = await run(t, { name: "2nn", job, options: onMnist("iid", "--data-seed", "1") });
  assert.ok(roundsTo(0.95, points) !== undefined, `after 19 rounds ${points.at(-1)?.evaluation.accuracy}`);
});

test("with stragglers FedProx's loss is below half of FedAvg's, which drops them", async (t) => {
  const losses: number[] = [];
  for (const method of ["fedavg", "fedprox-1"] as const) {
    const points = await run(t, fedProxVariant(method, "train", 30));
    losses.push(points.at(-1)?.evaluation.loss ?? Number.NaN);
  }
  const [average = 0, proximal = Number.NaN] = losses;
  assert.ok(proximal < average / 2, `${proximal} and ${average}`);
});

async function run(t: { after(end: () => void): void }, variant: Variant): Promise<readonly RoundPoint[]> {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-figures-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return (await runVariant(variant, folder)).points;
}
