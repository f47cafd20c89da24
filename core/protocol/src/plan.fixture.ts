import { create } from "@bufbuild/protobuf";
import { digestOf } from "./digest.ts";
import { type Plan, PlanSchema, TrainTaskSchema } from "./gen/selvedge/v1/round_pb.js";
import { phasesOf } from "./plan.ts";
import { binaryMetricNames, firstMetricNames } from "./planned-metrics.ts";

/** A plan with nothing wrong with it, to change one thing of. */
export function soundPlan(): Plan {
  return create(PlanSchema, {
    name: "digits",
    task: {
      kind: {
        case: "train",
        value: {
          algorithm: "fedavg",
          loss: "softmax-cross-entropy",
          optimizer: "sgd",
          learningRate: 0.1,
          batchSize: 32,
          localEpochs: 1,
          heldOutFraction: 0.1,
          maxExamplesPerDevice: 100,
        },
      },
    },
    model: { digest: digestOf(Buffer.from("model")), length: 100n },
    dataset: { name: "digits", inputShape: [784], classes: 10 },
    aggregator: { name: "weighted-mean" },
    serverOptimizer: { name: "fedavg", learningRate: 1 },
    metrics: [...firstMetricNames, ...binaryMetricNames],
    schedule: { rounds: 3, cohort: 3, quorum: 2, deadlineMs: 60_000, graceMs: 1_000, targetAccuracy: 0 },
    seed: 1n,
    phases: [...phasesOf(null)],
  });
}

/** One that says of training all that it can. */
export function settledPlan(): Plan {
  const plan = soundPlan();
  if (plan.task?.kind.case !== "train") return plan;
  const { lossOptions, optimizerOptions, gradientOptions } = create(TrainTaskSchema, {
    lossOptions: { classWeights: Array(10).fill(1), labelSmoothing: 0.1 },
    optimizerOptions: { momentum: 0.9, nesterov: true, weightDecay: 0.01 },
    gradientOptions: { proximal: 0.1, clipValue: 1, clipNorm: 5 },
  });
  Object.assign(plan.task.kind.value, {
    algorithm: "fedavg.2",
    lossOptions,
    optimizerOptions,
    gradientOptions,
    frozen: ["encoder.*"],
  });
  return plan;
}
