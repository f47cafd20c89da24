import type { CheckedPlan, TableSchema } from "@selvedge/protocol";
import type { DatasetReading, DatasetWish } from "./dataset.ts";

/** How a plan reads its dataset: plain data, so that it can cross to a child process. */
export function planReading({ target, table, text }: CheckedPlan): DatasetReading {
  return { target, table, text };
}

/** How examples of one class each are read. */
export function classReading(classes: number, table: TableSchema | null = null): DatasetReading {
  return { target: { kind: "class", shape: [], classes }, table, text: null };
}

/** What a plan asks of its dataset. */
export function datasetWish(plan: CheckedPlan): DatasetWish {
  const { name = "", inputShape = [] } = plan.plan.dataset ?? {};
  return { name, inputShape, ...planReading(plan) };
}
