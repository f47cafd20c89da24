import type { EvaluationResult } from "./evaluation-loop.ts";
import type { LocalOutcome } from "./local-training.ts";
import type {
  EvaluationRequest,
  LocalTraining,
  MeasuringOutcome,
  MeasuringRequest,
  SummaryOutcome,
  SummaryRequest,
} from "./training-methods.ts";

/** What a training gives, without what its asker knows: how the update lies. */
export type ClientOutcome = Omit<LocalOutcome, "layout">;

/** What a child that trains many clients answers. */
export interface ClientMethods {
  readonly train: { readonly argument: LocalTraining; readonly result: ClientOutcome };
  readonly measure: { readonly argument: MeasuringRequest; readonly result: MeasuringOutcome };
  readonly summarise: { readonly argument: SummaryRequest; readonly result: SummaryOutcome };
  readonly evaluate: { readonly argument: EvaluationRequest; readonly result: EvaluationResult };
}
