import type { KeyObject } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  type BlobReference,
  binaryMetricNames,
  digestOf,
  encodePlan,
  firstMetricNames,
  type Offer,
  OfferSchema,
  signPlan,
} from "@selvedge/protocol";
import { trainingPlan } from "@selvedge/testkit";

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
  /** Asks for metrics, and no training. */
  readonly evaluate?: true;
  /** Trains by an output of the model. */
  readonly customLoss?: true;
  /** Keeps the optimizer's state on the device. */
  readonly keepOptimizerState?: true;
}

/** An offer with nothing wrong with it, signed by this operator key. */
export function signedOffer(operatorKey: KeyObject, changes: OfferChanges = {}): Offer {
  const model = changes.model ?? { digest: digestOf(Buffer.from("model")), length: 5 };
  const base = changes.base ?? { digest: digestOf(Buffer.from("base")), length: 4 };
  const plan = encodePlan(
    trainingPlan({
      model,
      ...(changes.evaluate && { task: "evaluate" }),
      metrics: [...firstMetricNames, ...binaryMetricNames],
      training: {
        localEpochs: changes.localEpochs ?? 1,
        ...(changes.customLoss && { algorithm: "fedavg.2", loss: "custom", customLossOutput: "loss" }),
        ...(changes.keepOptimizerState && {
          ...{ algorithm: "fedavg.2", optimizer: "adam", keepOptimizerState: true },
        }),
      },
      ...(changes.statistics && { dataset: table }),
    }),
  );
  const parameters = changes.parameters ?? 23;
  const clientConfig = Buffer.from(
    JSON.stringify(
      changes.statistics || changes.evaluate
        ? { phase: "any" }
        : { normaliser: 200, parameters, weightCap: 100 },
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
    phase: changes.statistics ? "statistics" : changes.evaluate ? "evaluate" : "train",
  });
}

const table = {
  columns: ["a", "b", "c", "d"].map((name) => ({
    ...{ name, type: "number", missing: "error" },
    normalisation: name === "a" ? "standard" : "none",
  })),
  label: { name: "label", values: ["0", "1"] },
};
