import { z } from "zod";

/** A value of a metric that is good enough; one of the two bounds. */
export interface MetricGoal {
  readonly metric: string;
  readonly atLeast?: number | undefined;
  readonly atMost?: number | undefined;
}

/** What a job file's `target` may be; a number is an accuracy. */
export type TargetFields = number | MetricGoal;

/** A job file's `earlyStopping`. */
export interface EarlyStoppingFields {
  readonly metric: string;
  readonly patience: number;
  readonly minDelta: number;
}

const metric = z.string().min(1).max(64);

export const targetSchema: z.ZodType<TargetFields> = z.union([
  z.number().positive().max(1),
  z
    .strictObject({ metric, atLeast: z.number().optional(), atMost: z.number().optional() })
    .refine(({ atLeast, atMost }) => (atLeast === undefined) !== (atMost === undefined), {
      error: "must have either atLeast or atMost",
    }),
]);

export const earlyStoppingSchema: z.ZodType<EarlyStoppingFields> = z.strictObject({
  metric,
  patience: z.int().min(1).max(100_000),
  minDelta: z.number().min(0).max(1_000_000).default(0),
});
