import { duration } from "@selvedge/config";
import { limits, namePattern, type TaskKind } from "@selvedge/protocol";
import { z } from "zod";
import { withPreset } from "./averaging-presets.ts";
import { checkTogether } from "./check-together.ts";
import { type DatasetFields, datasetSchema } from "./dataset-schema.ts";
import {
  type EarlyStoppingFields,
  earlyStoppingSchema,
  type TargetFields,
  targetSchema,
} from "./goal-schema.ts";
import { metricsSchema } from "./metrics-schema.ts";
import { type SelectionFields, selectionSchema } from "./selection-schema.ts";
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
  from: z
    .union([
      z.string().regex(/^[^@]+(@\d{1,15})?$/, "must be name or name@version of a release, such as digits@3"),
      z.strictObject({ job: name, round: z.int().min(1).optional() }),
    ])
    .optional(),
  keepEvery: z.int().min(1).max(limits.roundsMax).optional(),
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
  selection: selectionSchema.optional(),
  overSelection: z.number().min(1).max(10).optional(),
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
  readonly from?: StartFields | undefined;
  readonly keepEvery?: number | undefined;
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
  readonly selection?: SelectionFields | undefined;
  readonly overSelection?: number | undefined;
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

/** Whose weights a job begins with: a release's, as "name" or "name@version", or those after a round of a job. */
export type StartFields = string | { readonly job: string; readonly round?: number | undefined };

/** A job file whose model is an ONNX file, by path; absent: that of `from`. */
export interface FileJobFields extends SharedFields {
  readonly model?: string | undefined;
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
  z.strictObject({ ...fields, model: z.string().min(1).optional() }).superRefine(checkTogether),
);

export const builtJobSchema: z.ZodType<BuiltJobFields> = z.preprocess(
  withPreset,
  z.strictObject({ ...fields, model: builderSchema }).superRefine(checkTogether),
);
