import type { EvaluationResult } from "./evaluation-loop.ts";

/**
 * What was measured, as the scalars that a device may report of it (SPEC SU4): sums, so that those
 * of several sets of examples can be added up, and the means that older versions know.
 */
export function evaluationScalars(result: EvaluationResult): { readonly [name: string]: number } {
  const { loss, accuracy, examples, weight, places, logLoss, among = {}, classes = [] } = result;
  const { binary, errors } = result;
  return {
    eval_loss: loss,
    eval_weight: weight,
    eval_examples: examples,
    ...(accuracy !== undefined && { eval_accuracy: accuracy }),
    ...(places !== undefined && { eval_places: places }),
    ...(logLoss !== undefined && { eval_log_loss: logLoss }),
    ...Object.fromEntries(Object.entries(among).map(([k, count]) => [`eval_top_${k}_correct`, count])),
    ...Object.assign({}, ...classes.map((counts, each) => countsOf(counts, `_${each}`))),
    ...(binary !== undefined && countsOf(binary, "")),
    ...(errors !== undefined && {
      eval_numbers: weight,
      eval_absolute_error: errors.absolute,
      eval_squared_error: errors.squared,
      eval_target_sum: errors.targets,
      eval_target_squares: errors.targetSquares,
    }),
    ...(binary?.averagePrecision !== undefined && { eval_average_precision: binary.averagePrecision }),
  };
}

function countsOf(
  { truePositives, falsePositives, falseNegatives }: NonNullable<EvaluationResult["classes"]>[number],
  suffix: string,
): { readonly [name: string]: number } {
  return {
    [`eval_true_positives${suffix}`]: truePositives,
    [`eval_false_positives${suffix}`]: falsePositives,
    [`eval_false_negatives${suffix}`]: falseNegatives,
  };
}
