import {
  accumulateMax,
  limits,
  localStepsMax,
  type NamedAlgorithm,
  type PlannedLoss,
  type PlannedOptimizer,
  settingRanges,
} from "@selvedge/protocol";
import { z } from "zod";
import type { AveragingPreset } from "./averaging-presets.ts";

/** A loss or optimizer by name, with those of its options that are given. */
export type Named<Name extends string> = { readonly name: Name } & Readonly<Record<string, unknown>>;

/** How devices train, apart from the learning rate; an option that is not given has its own default. */
export interface TrainingFields {
  readonly algorithm: "fedavg" | AveragingPreset | NamedAlgorithm;
  readonly population?: number | undefined;
  readonly alpha?: number | undefined;
  readonly q?: number | undefined;
  readonly beta?: number | undefined;
  readonly loss: Named<PlannedLoss>;
  readonly optimizer: Named<PlannedOptimizer>;
  readonly proximal?: number | undefined;
  readonly clipValue?: number | undefined;
  readonly clipNorm?: number | undefined;
  readonly frozen: readonly string[];
  readonly personal: readonly string[];
  readonly keepOptimizerState: boolean;
  readonly personalModel?: PersonalModelFields | undefined;
  readonly accumulate: number;
  /** 0 = as many as the local epochs have. */
  readonly localSteps: number;
  readonly partialWork: boolean;
  readonly schedule?: RateSchedule | undefined;
}

/** A model of each device's own; what is not given is as of the common training. */
export type PersonalModelFields = {
  readonly localEpochs?: number | undefined;
  readonly learningRate?: number | undefined;
} & ({ readonly kind: "ditto"; readonly lambda: number } | { readonly kind: "fine-tuning" });

/** How the learning rate goes through the rounds. */
export type RateSchedule = {
  readonly warmupRounds: number;
  readonly byStep: boolean;
} & (
  | { readonly decay: "constant" }
  | { readonly decay: "step"; readonly everyRounds: number; readonly factor: number }
  | { readonly decay: "cosine" | "linear"; readonly finalFactor: number }
);

const patterns = z.array(z.string().min(1).max(256)).max(limits.parameterPatternsMax).default([]);
const weightDecay = setting("weightDecay");
const epsilon = setting("epsilon");
const momentum = setting("momentum");
const adam = { beta1: setting("beta1"), beta2: setting("beta2"), epsilon, weightDecay };

const loss = z
  .discriminatedUnion("name", [
    z.strictObject({
      name: z.literal("softmax-cross-entropy"),
      classWeights: z.array(within("classWeights")).optional(),
      labelSmoothing: setting("labelSmoothing"),
      ignoreIndex: z
        .int()
        .min(-(2 ** 31))
        .max(2 ** 31 - 1)
        .optional(),
      axis: z.int().min(1).max(8).optional(),
    }),
    z.strictObject({ name: z.literal("binary-cross-entropy"), positiveWeight: setting("positiveWeight") }),
    z.strictObject({ name: z.literal("mean-squared-error") }),
    z.strictObject({ name: z.literal("mean-absolute-error") }),
    z.strictObject({ name: z.literal("huber"), delta: setting("delta") }),
    z.strictObject({ name: z.literal("kl-divergence") }),
    z.strictObject({ name: z.literal("cosine") }),
    z.strictObject({ name: z.literal("custom"), output: z.string().min(1).max(256) }),
  ])
  .default({ name: "softmax-cross-entropy" });

const optimizer = z
  .discriminatedUnion("name", [
    z.strictObject({ name: z.literal("sgd"), momentum, nesterov: z.boolean().optional(), weightDecay }),
    z.strictObject({ name: z.literal("adam"), ...adam }),
    z.strictObject({ name: z.literal("adamw"), ...adam }),
    z.strictObject({
      name: z.literal("rmsprop"),
      smoothing: setting("smoothing"),
      momentum,
      centered: z.boolean().optional(),
      epsilon,
      weightDecay,
    }),
    z.strictObject({
      name: z.literal("adagrad"),
      rateDecay: setting("rateDecay"),
      initialSum: setting("initialSum"),
      epsilon,
      weightDecay,
    }),
  ])
  .default({ name: "sgd" });

const whenever = {
  warmupRounds: z.int().min(0).max(limits.roundsMax).default(0),
  byStep: z.boolean().default(false),
};
const finalFactor = z.number().min(0).max(1).default(0);
const schedule = z.discriminatedUnion("decay", [
  z.strictObject({ decay: z.literal("constant"), ...whenever }),
  z.strictObject({
    decay: z.literal("step"),
    everyRounds: z.int().min(1).max(limits.roundsMax),
    factor: z.number().positive().max(1),
    ...whenever,
  }),
  z.strictObject({ decay: z.literal("cosine"), finalFactor, ...whenever }),
  z.strictObject({ decay: z.literal("linear"), finalFactor, ...whenever }),
]);

const ownTraining = {
  localEpochs: z.int().min(1).max(1_000).optional(),
  learningRate: z.number().positive().max(1e6).optional(),
};
const personalModel = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("ditto"),
    lambda: z.number().min(0).max(1e6).default(0.1),
    ...ownTraining,
  }),
  z.strictObject({ kind: z.literal("fine-tuning"), ...ownTraining }),
]);

export const trainingFields: {
  readonly [Field in keyof TrainingFields]-?: z.ZodType<TrainingFields[Field]>;
} = {
  algorithm: z
    .enum(["fedavg", "fedsgd", "fedprox", "scaffold", "feddyn", "fednova", "qfedavg", "mimelite", "diloco"])
    .default("fedavg"),
  population: z
    .int()
    .min(1)
    .max(2 ** 32 - 1)
    .optional(),
  alpha: setting("alpha"),
  q: z.number().min(0).max(10).optional(),
  beta: z.number().min(0).max(0.999_999).optional(),
  loss,
  optimizer,
  proximal: setting("proximal"),
  clipValue: setting("clipValue"),
  clipNorm: setting("clipNorm"),
  frozen: patterns,
  personal: patterns,
  keepOptimizerState: z.boolean().default(false),
  personalModel: personalModel.optional(),
  accumulate: z.int().min(1).max(accumulateMax).default(1),
  localSteps: z.int().min(0).max(localStepsMax).default(0),
  partialWork: z.boolean().default(false),
  schedule: schedule.optional(),
};

export function setting(name: string): z.ZodOptional<z.ZodNumber> {
  return within(name).optional();
}

/** Within the range that plans have for it. */
function within(name: string): z.ZodNumber {
  const [low, high] = settingRanges[name] ?? [0, 0];
  const number = z.number().max(high);
  return low === Number.MIN_VALUE ? number.positive() : number.min(low);
}
