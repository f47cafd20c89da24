import { datasetWish } from "@selvedge/datasets";
import {
  type BatchGraph,
  evaluationGraph,
  type OnnxModel,
  plannedTraining,
  type TrainingGraph,
  trainingGraph,
} from "@selvedge/onnx";
import { type CheckedPlan, limits, measuresFor, SelvedgeError } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";
import { checkCost } from "./check-cost.ts";
import { checkShapes } from "./check-shapes.ts";
import { checkStatistics } from "./check-statistics.ts";
import type { Evaluator } from "./evaluator.ts";
import type { ModelLayouts } from "./model-layouts.ts";

/** What a job's request is checked against. */
export interface RequestChecks {
  readonly blobs: BlobStore;
  readonly layouts: ModelLayouts;
  readonly evaluator: Evaluator;
  /** Names of the coordinator's own datasets. */
  readonly evaluationDatasets: ReadonlySet<string>;
  readonly memoryBytesMax: number;
  /** Where the blobs are. */
  diskBytesFree(): Promise<number>;
}

/**
 * Refuses a plan whose model is not there, does not fit the plan's data, or cannot be trained here.
 *
 * @throws SelvedgeError `not_found`, `invalid_argument`, and as `checkStatistics` and `checkCost`
 */
export async function checkModel(plan: CheckedPlan, checks: RequestChecks): Promise<void> {
  const { blobs, layouts, memoryBytesMax } = checks;
  const stored = await blobs.stat(plan.model.digest);
  if (stored === undefined) {
    throw new SelvedgeError("not_found", `the plan's model ${plan.model.digest} was not uploaded`, {
      at: "plan.model",
    });
  }
  const model = await layouts.model(plan.model);
  const layout = await layouts.of(plan.model);
  if (layout.length < 1 || layout.length > limits.parametersMax) {
    throw new SelvedgeError("invalid_argument", `the model has ${layout.length} trainable parameters`, {
      at: "plan.model",
      fix: `give a model with 1 to ${limits.parametersMax} float32 parameters`,
    });
  }
  checkStatistics(plan, model, await layouts.ofShared(plan));
  if (plan.evaluate !== null && plan.train.personalModel === undefined)
    return checkShapes(plan, compileEvaluation(plan, model));
  const graph = compile(plan, model);
  checkShapes(plan, graph);
  checkCost(plan, graph, memoryBytesMax);
}

/** As `compile`, of a plan that trains nothing: its model need not have gradients. */
function compileEvaluation(plan: CheckedPlan, model: OnnxModel): BatchGraph {
  const { loss } = plannedTraining(plan);
  const learnsInput = plan.target.kind === "input";
  return evaluationGraph(model, {
    loss,
    ...measuresFor(plan.metrics),
    ...{ inputType: "float32", scale: 1, learnsInput },
  });
}

/** Only shapes are looked at; nothing is run. @throws SelvedgeError `unsupported` naming node and operator */
function compile(plan: CheckedPlan, model: OnnxModel): TrainingGraph {
  const { terms, ...settings } = plannedTraining(plan);
  const learnsInput = plan.target.kind === "input";
  return trainingGraph(model, { ...settings, ...terms, inputType: "float32", scale: 1, learnsInput });
}

/**
 * Refuses an evaluation on data that is not there or not of the plan's form: now rather than
 * after the first round.
 *
 * @throws SelvedgeError `not_found`, or `failed_precondition` with both shapes
 */
export async function checkEvaluation(
  dataset: string | null,
  plan: CheckedPlan,
  { evaluationDatasets, evaluator }: RequestChecks,
): Promise<void> {
  if (dataset === null) return;
  if (plan.evaluate !== null)
    throw new SelvedgeError(
      "invalid_argument",
      "of an evaluation by devices the coordinator measures nothing",
      {
        at: "evaluation",
        fix: "leave the job's evaluation out",
      },
    );
  if (!evaluationDatasets.has(dataset)) {
    throw new SelvedgeError("not_found", `the coordinator has no dataset "${dataset}"`, {
      at: "evaluation",
      fix: "start it with `selvedge up --dataset NAME=…`, or leave the job's evaluation out",
    });
  }
  const mismatch = await evaluator.mismatch(dataset, datasetWish(plan));
  if (mismatch === null) return;
  throw new SelvedgeError("failed_precondition", mismatch, {
    at: "evaluation",
    fix: "evaluate on data of the form that the devices have",
  });
}
