import { create } from "@bufbuild/protobuf";
import { buildMlp } from "@selvedge/onnx";
import { type Plan, PlanSchema, phasesOf } from "@selvedge/protocol";

/** The graph of `smallPlan`. */
export const smallModel: ReturnType<typeof buildMlp> = buildMlp({
  inputShape: [4],
  hidden: [3],
  classes: 2,
  seed: 1,
});

/** A plan for so many devices, with nothing wrong with it. */
export function smallPlan(digest: string, length: number, rounds: number, cohort: number): Plan {
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
          maxExamplesPerDevice: 100,
        },
      },
    },
    model: { digest, length: BigInt(length) },
    dataset: { name: "digits", inputShape: [4], classes: 2 },
    aggregator: { name: "weighted-mean" },
    serverOptimizer: { name: "fedavg", learningRate: 1 },
    schedule: { rounds, cohort, quorum: 2, deadlineMs: 60_000, graceMs: 1_000 },
    seed: 1n,
    phases: [...phasesOf(null)],
  });
}
