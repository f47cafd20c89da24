import type { EvaluateTask, Plan, TrainTask } from "./gen/selvedge/v1/round_pb.js";
import { invalidPlan as invalid, oneOf, range } from "./plan-checks.ts";

/**
 * Checks what a plan says of devices' own models.
 *
 * @param evaluate what is measured where nothing is trained; null for a plan that trains
 * @throws SelvedgeError `invalid_argument` naming the field
 */
export function checkPersonalModel(
  { batchSize, heldOutFraction, personalModel }: TrainTask,
  evaluate: EvaluateTask | null,
  { schedule }: Plan,
): void {
  if (personalModel === undefined) return;
  const { kind, learningRate, localEpochs, proximal } = personalModel;
  oneOf("task.personal_model.kind", kind, ["ditto", "fine-tuning"]);
  range("task.personal_model.learning_rate", learningRate, Number.MIN_VALUE, 1e6);
  range("task.personal_model.local_epochs", localEpochs, 1, 1_000);
  range("task.personal_model.proximal", proximal, 0, kind === "ditto" ? 1e6 : 0);
  range("task.batch_size", batchSize, 1, 65_536);
  if (kind === "ditto" && evaluate !== null)
    throw invalid("task.personal_model.kind", "ditto goes on from round to round of a training");
  if (kind === "fine-tuning" && evaluate === null && schedule?.evaluateEvery === 0)
    throw invalid("task.personal_model.kind", "fine-tuning is of rounds in which devices evaluate");
  if (heldOutFraction === 0 || evaluate?.allExamples === true)
    throw invalid("task.held_out_fraction", "a personal model is measured on examples that are held out");
}

/** The names under which what is measured of a device's own model is reported, beside those of the common one. */
export function personalNames(scalars: readonly string[]): string[] {
  return scalars.flatMap((name) => (name.startsWith("eval_") ? [`personal_${name.slice(5)}`] : []));
}
