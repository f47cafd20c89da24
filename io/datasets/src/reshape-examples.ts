import { SelvedgeError } from "@selvedge/protocol";
import type { Dataset } from "./dataset.ts";
import { isSameLayout } from "./same-layout.ts";

/**
 * The same examples seen in another shape, such as [28, 28] as [784]; no copy.
 *
 * @throws SelvedgeError `failed_precondition`, with both shapes, when they are not the same values in the same order
 */
export function reshapeExamples(dataset: Dataset, inputShape: readonly number[]): Dataset {
  if (!isSameLayout(inputShape, dataset.inputShape)) {
    throw new SelvedgeError(
      "failed_precondition",
      `examples of shape [${dataset.inputShape.join(", ")}] cannot be read as [${inputShape.join(", ")}]`,
      { at: `dataset ${dataset.name}`, fix: "give a dataset of the shape the model takes" },
    );
  }
  return { ...dataset, inputShape: [...inputShape] };
}
