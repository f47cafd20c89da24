import {
  binaryMetricNames,
  classCounts,
  errorMeasures,
  firstMetricNames,
  hasAccuracy,
  isBinary,
  metricNames,
  type PlanTarget,
  SelvedgeError,
} from "@selvedge/protocol";
import { z } from "zod";
import type { TrainingFields } from "./training-schema.ts";

const averagePrecision = "eval_average_precision";
const binaryCounts = binaryMetricNames.filter((name) => name !== averagePrecision);

/** What each measure is made of; undefined where such targets have none. */
const measures: Readonly<Record<string, (target: PlanTarget) => readonly string[] | undefined>> = {
  accuracy: ({ kind }) => (kind === "class" ? [] : undefined),
  f1: (target) => (isBinary(target) ? binaryCounts : [classCounts]),
  average_precision: (target) => (isBinary(target) ? binaryMetricNames : undefined),
  perplexity: () => ["eval_log_loss"],
  mae: () => errorMeasures.mae,
  rmse: () => errorMeasures.rmse,
  r2: () => errorMeasures.r2,
};

const ofClasses: ReadonlySet<string> = new Set(["accuracy", "f1", "average_precision"]);

/** A job file's `metrics`: measures such as `f1` and `top_5`, or scalars by name. */
export const metricsSchema: z.ZodOptional<z.ZodArray<z.ZodString>> = z
  .array(
    z.string().refine((name) => metricNames.includes(name) || isMeasure(name), {
      error: `must be a measure (${Object.keys(measures).join(", ")}, top_5 or the like) or one of ${metricNames.join(", ")}`,
    }),
  )
  .optional();

/**
 * What a plan names so that devices report what a job file asks for. A measure brings along what
 * is reported in any case; scalars alone are all that is reported. Without a list it is what two
 * classes have, and of all else the loss and, of classes, the accuracy.
 *
 * @throws SelvedgeError `invalid_argument` for a measure that such targets do not have
 */
export function planMetrics(
  named: readonly string[] | undefined,
  target: PlanTarget,
  loss: TrainingFields["loss"],
): string[] {
  const isScored = hasAccuracy(loss.name);
  const always = [
    ...firstMetricNames.filter((name) => isScored || !name.endsWith("accuracy")),
    ...weightsOf(target, loss),
  ];
  if (named === undefined) return [...always, ...(isScored && isBinary(target) ? binaryMetricNames : [])];
  const asked = named.flatMap((name) => (isMeasure(name) ? scalarsFor(name, target, loss) : [name]));
  return [...new Set(named.some(isMeasure) ? [...always, ...asked] : asked)];
}

/** Where loss and accuracy are not means over examples, what they are means over. */
function weightsOf(target: PlanTarget, loss: TrainingFields["loss"]): string[] {
  const isOfPlaces = target.kind === "class" && (target.shape.length > 0 || target.ignoreIndex !== undefined);
  return [
    ...(isOfPlaces || loss.classWeights !== undefined ? ["eval_weight"] : []),
    ...(isOfPlaces ? ["eval_places"] : []),
  ];
}

function isMeasure(name: string): boolean {
  return Object.hasOwn(measures, name) || /^top_\d{1,3}$/.test(name);
}

function scalarsFor(name: string, target: PlanTarget, loss: TrainingFields["loss"]): readonly string[] {
  if (target.kind === "class" && ofClasses.has(name) && !hasAccuracy(loss.name)) {
    throw new SelvedgeError(
      "invalid_argument",
      `${name} is of classes, and the loss ${loss.name} has no accuracy`,
      { at: "metrics" },
    );
  }
  if (name.startsWith("top_")) return [`eval_${name}_correct`];
  const scalars = measures[name]?.(target);
  if (scalars !== undefined) return scalars;
  const needed = name === "accuracy" ? "classes" : "two classes";
  throw new SelvedgeError("invalid_argument", `${name} is of ${needed}, and the dataset has none`, {
    at: "metrics",
  });
}
