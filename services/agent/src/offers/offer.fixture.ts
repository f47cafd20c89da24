import type { KeyObject } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  type BlobReference,
  DatasetRequestSchema,
  digestOf,
  encodePlan,
  metricNames,
  type Offer,
  OfferSchema,
  PlanSchema,
  phasesOf,
  signPlan,
  tableSchemaOf,
} from "@selvedge/protocol";

export interface OfferChanges {
  readonly job?: string;
  readonly round?: number;
  readonly localEpochs?: number;
  readonly model?: BlobReference;
  readonly base?: BlobReference;
  readonly parameters?: number;
  readonly roundMetadata?: Uint8Array;
  /** Asks for statistics of a table's columns. */
  readonly statistics?: true;
}

/** An offer with nothing wrong with it, signed by this operator key. */
export function signedOffer(operatorKey: KeyObject, changes: OfferChanges = {}): Offer {
  const model = changes.model ?? { digest: digestOf(Buffer.from("model")), length: 5 };
  const base = changes.base ?? { digest: digestOf(Buffer.from("base")), length: 4 };
  const dataset = create(DatasetRequestSchema, {
    ...{ name: "digits", inputShape: [4], classes: 2 },
    ...(changes.statistics && table),
  });
  const plan = encodePlan(
    create(PlanSchema, {
      name: "digits",
      task: { kind: { case: "train", value: { ...training, localEpochs: changes.localEpochs ?? 1 } } },
      model: { digest: model.digest, length: BigInt(model.length) },
      dataset,
      aggregator: { name: "weighted-mean" },
      serverOptimizer: { name: "fedavg", learningRate: 1 },
      metrics: [...metricNames],
      schedule: { rounds: 1, cohort: 2, quorum: 2, deadlineMs: 60_000, graceMs: 1_000 },
      seed: 1n,
      phases: [...phasesOf(tableSchemaOf(dataset))],
    }),
  );
  const parameters = changes.parameters ?? 23;
  const clientConfig = Buffer.from(
    JSON.stringify(
      changes.statistics ? { phase: "statistics" } : { normaliser: 200, parameters, weightCap: 100 },
    ),
  );
  return create(OfferSchema, {
    job: changes.job ?? "digits",
    round: changes.round ?? 1,
    plan,
    planDigest: digestOf(plan),
    planSignature: signPlan(plan, operatorKey),
    baseModel: { digest: base.digest, length: BigInt(base.length) },
    roundMetadata: changes.roundMetadata ?? new Uint8Array(),
    clientConfig,
    configDigest: digestOf(clientConfig),
    cohort: 2,
    deadlineAtMs: 60_000n,
    phase: changes.statistics ? "statistics" : "train",
  });
}

const table = {
  columns: ["a", "b", "c", "d"].map((name) => ({
    ...{ name, type: "number", missing: "error" },
    normalisation: name === "a" ? "standard" : "none",
  })),
  label: { name: "label", values: ["0", "1"] },
};

const training = {
  algorithm: "fedavg",
  loss: "softmax-cross-entropy",
  optimizer: "sgd",
  learningRate: 0.1,
  batchSize: 32,
  heldOutFraction: 0,
  maxExamplesPerDevice: 100,
};
