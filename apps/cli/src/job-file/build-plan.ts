import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type BlobReference,
  binaryMetricNames,
  type DatasetRequestSchema,
  type Plan,
  PlanSchema,
  phasesOf,
} from "@selvedge/protocol";
import type { JobDataset } from "./dataset-schema.ts";
import type { JobFile } from "./job-file.ts";

/** What devices are asked to do for a job, ready for `encodePlan` and `signPlan`. */
export function buildPlan(job: JobFile, model: BlobReference): Plan {
  return create(PlanSchema, {
    name: job.name,
    task: { kind: { case: "train", value: trainTask(job) } },
    model: { digest: model.digest, length: BigInt(model.length) },
    dataset: datasetRequest(job.dataset),
    aggregator: { name: "weighted-mean" },
    serverOptimizer: { name: "fedavg", learningRate: job.serverLearningRate },
    metrics: job.metrics.filter((name) => !binaryMetricNames.includes(name)),
    // Devices of earlier versions do not know them.
    optionalMetrics: job.metrics.filter((name) => binaryMetricNames.includes(name)),
    schedule: {
      rounds: job.rounds,
      cohort: job.cohort,
      quorum: job.quorum,
      deadlineMs: job.deadlineMs,
      graceMs: job.graceMs,
      targetAccuracy: job.target,
    },
    seed: BigInt(job.seed),
    phases: [...phasesOf(job.dataset.table)],
  });
}

function datasetRequest({
  name,
  inputShape,
  classes,
  table,
}: JobDataset): MessageInitShape<typeof DatasetRequestSchema> {
  return {
    name,
    inputShape: [...inputShape],
    classes,
    ...(table !== null && {
      columns: table.columns.map((column) => ({ ...column, values: [...column.values] })),
      label: { name: table.label.name, values: [...table.label.values] },
    }),
  };
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
