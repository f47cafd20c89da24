import { SelvedgeError } from "@selvedge/protocol";
import type { BatchLoss } from "./losses/loss-rule.ts";
import type { Value } from "./operator.ts";
import { ports } from "./ports.ts";

/** What a batch's loss gives out, by the names of the outputs. */
export function lossOutputs({ sum, weight, predictions }: BatchLoss): ReadonlyMap<string, Value> {
  const outputs = new Map<string, Value>([
    [ports.loss, sum],
    [ports.weight, weight],
  ]);
  if (predictions === undefined) return outputs;
  return outputs.set(ports.correct, predictions.correct).set(ports.counted, predictions.counted);
}

/** What an evaluation can measure beside the loss. */
export interface Measures {
  /** How often the right class is among so many of the highest scores. */
  readonly among?: readonly number[];
  /** Counts for each class, from which precision, recall and F1 come. */
  readonly classCounts?: boolean;
  /** The sum of -ln of the right class's probability, whatever the loss makes of it. */
  readonly logLoss?: boolean;
}

/** What a batch's evaluation gives out, by the names of the outputs. */
export function evaluationOutputs(
  loss: BatchLoss,
  { among = [], classCounts, logLoss }: Measures,
): ReadonlyMap<string, Value> {
  const outputs = new Map(lossOutputs(loss));
  if (loss.margin !== undefined) outputs.set(ports.margin, loss.margin);
  if (loss.errors !== undefined) outputs.set(ports.errors, loss.errors());
  const { predictions } = loss;
  for (const k of among) {
    if (!Number.isSafeInteger(k) || k < 1) throw impossible(`among the ${k} highest scores`);
    outputs.set(amongPort(k), predictions?.among?.(k) ?? noClasses());
  }
  if (classCounts) outputs.set(ports.classCounts, predictions?.countsOfClasses?.() ?? noClasses());
  if (logLoss) outputs.set(ports.logLoss, predictions?.logLoss?.() ?? noClasses());
  return outputs;
}

/** The output that counts how often the class was among the k highest scores. */
function amongPort(k: number): string {
  return `${ports.among}_${k}`;
}

function noClasses(): never {
  throw impossible("without a score for each class");
}

function impossible(what: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `classes cannot be counted ${what}`, {
    fix: "measure what the loss has: a whole number of classes at least 1, with softmax-cross-entropy",
  });
}
