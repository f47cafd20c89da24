import { ports } from "./batch-loop.ts";
import type { BatchLoss } from "./losses/loss-rule.ts";
import type { Value } from "./operator.ts";

/** What a batch's loss gives out, by the names of the outputs. */
export function lossOutputs({ sum, weight, predictions }: BatchLoss): ReadonlyMap<string, Value> {
  const outputs = new Map<string, Value>([
    [ports.loss, sum],
    [ports.weight, weight],
  ]);
  if (predictions === undefined) return outputs;
  return outputs.set(ports.correct, predictions.correct).set(ports.counted, predictions.counted);
}
