import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { JobRequest } from "@selvedge/coordinator";
import type { ColumnStatistics } from "@selvedge/learning";
import { buildMlp, type ParameterLayout, parameterLayout, serializeModel } from "@selvedge/onnx";
import { digestOf, encodePlan, SeededRandom, signPlan } from "@selvedge/protocol";
import { trainingPlan } from "../fixtures/training-plan.ts";
import type { Participant, SimulatedJob } from "./fleet-plan.ts";

export const exampleCap = 64;
const metrics: readonly string[] = ["train_loss", "examples", "eval_loss", "eval_examples"];

const model = buildMlp({ inputShape: [4], hidden: [3], classes: 2, seed: 1 });
export const modelBytes: Uint8Array = serializeModel(model);
export const layout: ParameterLayout = parameterLayout(model);

/** The same key in every run, so that equal seeds give equal bytes. RFC 8410, 7: a seed of 32 equal bytes. */
const operatorKey = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]),
  format: "der",
  type: "pkcs8",
});

export const operatorKeys: readonly [KeyObject] = [createPublicKey(operatorKey)];

const columns = ["a", "b", "c", "d"].map((name, index) => ({
  ...{ name, type: "number", missing: "error" },
  normalisation: index === 0 ? "standard" : "none",
}));
const table = { columns, label: { name: "label", values: ["0", "1"] } };

export function jobRequest(job: SimulatedJob): JobRequest {
  const { rounds, cohort, quorum, deadlineMs, graceMs } = job;
  const plan = encodePlan(
    trainingPlan({
      name: "readings",
      model: { digest: digestOf(modelBytes), length: modelBytes.length },
      dataset: { name: job.dataset, ...(job.gathersStatistics && table) },
      metrics,
      aggregator: { name: job.isRobust ? "median" : "weighted-mean" },
      schedule: { rounds, cohort, quorum, deadlineMs, graceMs, evaluateEvery: job.measures ? 1 : 0 },
      training: { batchSize: 8, maxExamplesPerDevice: exampleCap, ...(job.keeps && keeping) },
    }),
  );
  return {
    job: job.id,
    plan,
    signature: signPlan(plan, operatorKey),
    evaluationDataset: job.isEvaluated ? "held-out" : null,
  };
}

const keeping = { algorithm: "fedavg.2", optimizer: "adam", keepOptimizerState: true };

/** What stands for training: a function of a device's data, the round, and the weights it starts from. */
export function updateOf({ data }: Participant, round: number, base: Float32Array): Float32Array {
  if (data === null) return new Float32Array(base.length);
  const random = SeededRandom.fromSeed("update", data, round);
  return base.map((value) => random.normal() / 8 - value / 4);
}

/** What a device says of the one column that is normalised. */
export function statisticsOf(participant: Participant): ColumnStatistics[] {
  const rows = Array.from({ length: weightOf(participant) }, (_, row) => row * (participant.data ?? 0));
  const scale = 1n << 149n;
  const sum = rows.reduce((total, value) => total + BigInt(value), 0n) * scale;
  const squares = rows.reduce((total, value) => total + BigInt(value * value), 0n) * scale * scale;
  return [{ name: "a", count: rows.length, sum, squares, range: null }];
}

/** What a device measures of whatever model. */
export function measurementOf(participant: Participant): { readonly [name: string]: number } {
  return { eval_loss: 0.5, eval_examples: weightOf(participant) };
}

/** How many of a device's examples count. */
export function weightOf({ examples }: Participant): number {
  return Math.min(examples, exampleCap);
}
