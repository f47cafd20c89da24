import { buildMlp } from "@selvedge/onnx";
import type { Plan } from "@selvedge/protocol";
import { type PlanChanges, trainingPlan } from "@selvedge/testkit";

/** The graph of `smallPlan`. */
export const smallModel: ReturnType<typeof buildMlp> = buildMlp({
  inputShape: [4],
  hidden: [3],
  classes: 2,
  seed: 1,
});

/** A plan for so many devices, with nothing wrong with it, and what is changed of it. */
export function smallPlan(
  digest: string,
  length: number,
  rounds: number,
  cohort: number,
  changes: Pick<PlanChanges, "aggregator" | "server" | "schedule" | "training" | "task" | "metrics"> = {},
): Plan {
  return trainingPlan({
    ...changes,
    model: { digest, length },
    schedule: { rounds, cohort, ...changes.schedule },
  });
}
