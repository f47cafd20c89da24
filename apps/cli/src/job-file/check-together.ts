import { hasAccuracy, limits, type TaskKind } from "@selvedge/protocol";
import type { z } from "zod";
import { sizeProblem } from "./aggregator-schema.ts";
import type { TargetFields } from "./goal-schema.ts";
import type { SelectionFields } from "./selection-schema.ts";
import type { ServerFields } from "./server-schema.ts";
import type { TrainingFields } from "./training-schema.ts";

/** Contributions without which a round fails; not given: 80 % of the cohort, and 1 where chance decides its size. */
export function quorumOf({
  quorum,
  cohort,
  selection,
}: Pick<Together, "quorum" | "cohort" | "selection">): number {
  return quorum ?? (selection?.name === "poisson" ? 1 : Math.ceil(cohort * 0.8));
}

/** The keys of a job file that are looked at together. */
export interface Together extends Pick<ServerFields, "aggregator"> {
  readonly model?: unknown;
  readonly from?: unknown;
  readonly keepEvery?: number | undefined;
  readonly task: TaskKind;
  readonly examples: "held-out" | "all";
  readonly learningRate?: number | undefined;
  readonly rounds?: number | undefined;
  readonly personal: readonly string[];
  readonly personalModel?: TrainingFields["personalModel"];
  readonly federatedEvaluation?: object | undefined;
  readonly heldOutFraction: number;
  readonly target?: TargetFields | undefined;
  readonly loss: TrainingFields["loss"];
  readonly cohort: number;
  readonly selection?: SelectionFields | undefined;
  readonly overSelection?: number | undefined;
  readonly quorum?: number | undefined;
  readonly grace?: number | undefined;
  readonly deadline: number;
  readonly algorithm: TrainingFields["algorithm"];
  readonly localEpochs: number;
  readonly localSteps: number;
  readonly partialWork: boolean;
  readonly proximal?: number | undefined;
  readonly maxExamplesPerDevice: number;
}

/** Complains of what keys say that do not go together. */
export function checkTogether(job: Together, context: z.RefinementCtx): void {
  const complain = (key: keyof Together, message: string): void =>
    context.addIssue({ code: "custom", path: [key], message });
  if (job.model === undefined && job.from === undefined)
    context.addIssue({ code: "invalid_type", expected: "string", input: undefined, path: ["model"] });
  if (job.task === "train") {
    if (job.keepEvery !== undefined && (job.rounds ?? 0) / job.keepEvery > limits.checkpointsMax)
      complain("keepEvery", `must be so many rounds that at most ${limits.checkpointsMax} are kept`);
    for (const key of ["learningRate", "rounds"] as const) {
      if (job[key] !== undefined) continue;
      context.addIssue({ code: "invalid_type", expected: "number", input: undefined, path: [key] });
    }
    if (job.examples === "all") complain("examples", "are for an evaluation: a training holds some out");
    if (job.algorithm === "fedsgd" && (job.localEpochs > 1 || job.localSteps > 1))
      complain("algorithm", "fedsgd takes one step in a round");
    if (job.algorithm === "fedprox" && job.proximal === undefined)
      complain("proximal", "is what fedprox pulls by; without it, take fedavg with `partialWork: true`");
    if (job.localSteps > 0 && job.localEpochs > 1)
      complain("localSteps", "stand in place of localEpochs: give one of the two");
  } else if (job.personal.length > 0)
    complain("personal", "is of a training: devices keep such parameters for its job only");
  checkPersonalModel(job, complain);
  if (job.quorum !== undefined && job.quorum > job.cohort)
    complain("quorum", `must be at most the cohort, ${job.cohort}`);
  const problem = job.task === "train" ? sizeProblem(job.aggregator, quorumOf(job), job.cohort) : null;
  if (problem !== null) complain(...problem);
  if (typeof job.target === "number" && !hasAccuracy(job.loss.name))
    complain(
      "target",
      `is an accuracy, and ${job.loss.name} has none: name a metric that is measured, such as { metric: loss, atMost: 0.1 }`,
    );
  if (graceOf(job) > job.deadline) complain("grace", "must be at most the deadline");
  checkSelection(job, complain);
}

function checkPersonalModel(
  job: Together,
  complain: (key: "personalModel" | "heldOutFraction", message: string) => void,
): void {
  const { examples, federatedEvaluation, heldOutFraction, learningRate, personalModel, task } = job;
  if (personalModel === undefined) return;
  const { kind } = personalModel;
  if (kind === "ditto" && task === "evaluate")
    complain("personalModel", "ditto goes on from round to round of a training: say fine-tuning");
  if (kind === "fine-tuning" && task === "train" && federatedEvaluation === undefined)
    complain("personalModel", "fine-tuning is where devices evaluate: give federatedEvaluation too");
  if (personalModel.learningRate === undefined && learningRate === undefined)
    complain("personalModel", "needs a learningRate, of its own or of the job");
  if (heldOutFraction === 0 || examples === "all")
    complain("heldOutFraction", "a personal model is measured on examples that are held out");
}

function checkSelection(
  { cohort, maxExamplesPerDevice, overSelection = 1, selection }: Together,
  complain: (key: "selection" | "overSelection" | "maxExamplesPerDevice", message: string) => void,
): void {
  if (selection?.name === "loss" && selection.candidates < cohort)
    complain("selection", `candidates must be at least the cohort, ${cohort}`);
  const invited = Math.ceil(cohort * overSelection);
  if (invited > limits.cohortMax)
    complain("overSelection", `invites ${invited}; at most ${limits.cohortMax}`);
  if (invited * maxExamplesPerDevice > limits.normaliserMax)
    complain("maxExamplesPerDevice", `times the cohort must be at most ${limits.normaliserMax}`);
}

/** Where partial work counts, a round waits for it: all its devices take as long as the deadline lets them. */
export function graceOf({
  deadline,
  grace,
  partialWork,
}: Pick<Together, "deadline" | "grace" | "partialWork">): number {
  return grace ?? (partialWork ? deadline : Math.min(deadline, graceMs));
}

const graceMs = 10_000;
