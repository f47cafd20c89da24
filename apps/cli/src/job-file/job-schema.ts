import { duration } from "@selvedge/config";
import { hasAccuracy, limits, namePattern, type TaskKind } from "@selvedge/protocol";
import { z } from "zod";
import { sizeProblem } from "./aggregator-schema.ts";
import { withPreset } from "./averaging-presets.ts";
import { type DatasetFields, datasetSchema } from "./dataset-schema.ts";
import {
  type EarlyStoppingFields,
  earlyStoppingSchema,
  type TargetFields,
  targetSchema,
} from "./goal-schema.ts";
import { metricsSchema } from "./metrics-schema.ts";
import { type ServerFields, serverFields } from "./server-schema.ts";
import { type TrainingFields, trainingFields } from "./training-schema.ts";

const dayMs = 86_400_000;

const name = z.string().regex(namePattern, "must be lower-case letters, digits, dots and dashes, at most 64");
const sizes = z.array(z.int().min(1)).min(1).max(8);
const classes = z.int().min(2).max(1_000_000);
const hidden = z.array(z.int().min(1)).max(64).default([]);
const learningRate = z.number().positive().max(1e6);
const seed = z.int().min(0).default(1);

/** A model that is built on the spot. */
const builderSchema = z.discriminatedUnion("builder", [
  z.strictObject({ builder: z.literal("mlp"), input: sizes, hidden, classes, seed }),
  z.strictObject({
    builder: z.literal("cnn"),
    input: z.array(z.int().min(1)).length(3, "must be channels, height and width"),
    channels: z.array(z.int().min(1)).min(1).max(16),
    kernel: z.int().min(1).max(99).default(5),
    hidden,
    classes,
    seed,
  }),
]);

const fields = {
  name,
  task: z.enum(["train", "evaluate"]).default("train"),
  examples: z.enum(["held-out", "all"]).default("held-out"),
  dataset: datasetSchema,
  localEpochs: z.int().min(1).max(1_000).default(1),
  batchSize: z.int().min(1).max(65_536).default(32),
  learningRate: learningRate.optional(),
  ...trainingFields,
  heldOutFraction: z.number().min(0).max(0.9).default(0.1),
  maxExamplesPerDevice: z
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .default(10_000),
  rounds: z.int().min(1).max(limits.roundsMax).optional(),
  cohort: z.int().min(1).max(limits.cohortMax),
  quorum: z.int().min(1).optional(),
  deadline: duration(1_000, 30 * dayMs, "1s to 30d").default(10 * 60_000),
  grace: duration(0, 30 * dayMs, "0s to 30d").optional(),
  target: targetSchema.optional(),
  earlyStopping: earlyStoppingSchema.optional(),
  evaluation: name.optional(),
  federatedEvaluation: z.strictObject({ every: z.int().min(1).max(limits.roundsMax) }).optional(),
  seed,
  ...serverFields,
  metrics: metricsSchema,
};

/** The keys that all job files share, checked and completed. */
interface SharedFields extends TrainingFields, ServerFields {
  readonly name: string;
  readonly task: TaskKind;
  /** Of an evaluation: what is measured on. */
  readonly examples: "held-out" | "all";
  readonly dataset: DatasetFields;
  readonly localEpochs: number;
  readonly batchSize: number;
  readonly learningRate?: number | undefined;
  readonly heldOutFraction: number;
  readonly maxExamplesPerDevice: number;
  readonly rounds?: number | undefined;
  readonly cohort: number;
  readonly quorum?: number | undefined;
  /** Milliseconds. */
  readonly deadline: number;
  /** Milliseconds. */
  readonly grace?: number | undefined;
  readonly target?: TargetFields | undefined;
  readonly earlyStopping?: EarlyStoppingFields | undefined;
  readonly evaluation?: string | undefined;
  readonly federatedEvaluation?: { readonly every: number } | undefined;
  readonly seed: number;
  readonly metrics?: string[] | undefined;
}

/** A job file whose model is an ONNX file, by path. */
export interface FileJobFields extends SharedFields {
  readonly model: string;
}

/** A job file whose model is built. */
export interface BuiltJobFields extends SharedFields {
  readonly model: BuiltModel;
}

export type BuiltModel =
  | {
      readonly builder: "mlp";
      readonly input: number[];
      readonly hidden: number[];
      readonly classes: number;
      readonly seed: number;
    }
  | {
      readonly builder: "cnn";
      /** Channels, height and width. */
      readonly input: number[];
      readonly channels: number[];
      readonly kernel: number;
      readonly hidden: number[];
      readonly classes: number;
      readonly seed: number;
    };

export type JobFields = FileJobFields | BuiltJobFields;

export const fileJobSchema: z.ZodType<FileJobFields> = z.preprocess(
  withPreset,
  z.strictObject({ ...fields, model: z.string().min(1) }).superRefine(checkTogether),
);

export const builtJobSchema: z.ZodType<BuiltJobFields> = z.preprocess(
  withPreset,
  z.strictObject({ ...fields, model: builderSchema }).superRefine(checkTogether),
);

/** Contributions without which a round fails; not given: 80 % of the cohort. */
export function quorumOf({ quorum, cohort }: Pick<SharedFields, "quorum" | "cohort">): number {
  return quorum ?? Math.ceil(cohort * 0.8);
}

interface Together extends Pick<ServerFields, "aggregator"> {
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

function checkTogether(job: Together, context: z.RefinementCtx): void {
  const complain = (key: keyof Together, message: string): void =>
    context.addIssue({ code: "custom", path: [key], message });
  if (job.task === "train") {
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
  if (job.cohort * job.maxExamplesPerDevice > limits.normaliserMax) {
    complain("maxExamplesPerDevice", `times the cohort must be at most ${limits.normaliserMax}`);
  }
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

/** Where partial work counts, a round waits for it: all its devices take as long as the deadline lets them. */
export function graceOf({
  deadline,
  grace,
  partialWork,
}: Pick<Together, "deadline" | "grace" | "partialWork">): number {
  return grace ?? (partialWork ? deadline : Math.min(deadline, graceMs));
}

const graceMs = 10_000;
