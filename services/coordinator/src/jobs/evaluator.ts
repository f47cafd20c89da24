import type { BlobReference, Metrics } from "@selvedge/protocol";

/** Measures a round's weights on data that the coordinator has itself. */
export interface Evaluator {
  /** @throws SelvedgeError `not_found` when there is no dataset of that name. */
  evaluate(model: BlobReference, weights: BlobReference, dataset: string): Promise<Metrics>;
}
