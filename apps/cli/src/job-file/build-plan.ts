import { create } from "@bufbuild/protobuf";
import { type BlobReference, type Plan, PlanSchema, phases } from "@selvedge/protocol";
import type { JobFile } from "./job-file.ts";

/** What devices are asked to do for a job, ready for `encodePlan` and `signPlan`. */
export function buildPlan(job: JobFile, model: BlobReference): Plan {
  return create(PlanSchema, {
    name: job.name,
    task: { kind: { case: "train", value: trainTask(job) } },
    model: { digest: model.digest, length: BigInt(model.length) },
    dataset: { ...job.dataset, inputShape: [...job.dataset.inputShape] },
    aggregator: { name: "weighted-mean" },
    serverOptimizer: { name: "fedavg", learningRate: job.serverLearningRate },
    metrics: [...job.metrics],
    schedule: {
      rounds: job.rounds,
      cohort: job.cohort,
      quorum: job.quorum,
      deadlineMs: job.deadlineMs,
      graceMs: job.graceMs,
      targetAccuracy: job.target,
    },
    seed: BigInt(job.seed),
    phases: [...phases],
  });
}

function trainTask(job: JobFile): {
  algorithm: string;
  loss: string;
  optimizer: string;
  learningRate: number;
  batchSize: number;
  localEpochs: number;
  heldOutFraction: number;
  maxExamplesPerDevice: number;
} {
  const { algorithm, learningRate, batchSize, localEpochs, heldOutFraction, maxExamplesPerDevice } = job;
  return {
    algorithm,
    loss: "softmax-cross-entropy",
    optimizer: "sgd",
    learningRate,
    batchSize,
    localEpochs,
    heldOutFraction,
    maxExamplesPerDevice,
  };
}
