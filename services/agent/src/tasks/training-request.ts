import { type DatasetSource, planReading } from "@selvedge/datasets";
import { plannedAlgorithm } from "@selvedge/learning";
import {
  type OnnxModel,
  type ParameterLayout,
  plannedKeeping,
  plannedPersonalModel,
  plannedTraining,
  shareParameters,
  updateLayout,
} from "@selvedge/onnx";
import { type CheckedPlan, type Digest, measuresFor, type PlannedDecay, traitsOf } from "@selvedge/protocol";
import type { LocalTraining, MeasuringRequest, RateRequest, SummaryRequest } from "@selvedge/runtime";
import type { MeasuringTask, SummaryTask, TrainingTask } from "./trainer.ts";

/** Where blobs lie as files. */
export interface BlobPaths {
  pathOf(digest: Digest): string;
}

/** What a plan has a device compute in one round, on this data of its own. */
export function trainingRequest(task: TrainingTask, dataset: DatasetSource, blobs: BlobPaths): LocalTraining {
  const { control, lossScale, plan } = task;
  // Of the momentum that MimeLite steps with, the rest is the gradient's share.
  const { beta = 0, localEpochs, localSteps } = plan.train;
  const learningRate = plan.train.learningRate * (1 - beta);
  return {
    ...settingsOf(task, dataset, blobs),
    algorithm: { ...plannedAlgorithm(plan.train), ...(lossScale !== null && { lossScale }) },
    ...(control === null ? {} : { controlPath: blobs.pathOf(control.digest) }),
    ...{ learningRate, ...rateOf(task), localEpochs, localSteps },
  };
}

/** What a plan has a device measure. */
export function measuringRequest(
  task: MeasuringTask,
  dataset: DatasetSource,
  blobs: BlobPaths,
): MeasuringRequest {
  const isAll = task.plan.evaluate?.allExamples === true;
  return { ...settingsOf(task, dataset, blobs), ...(isAll && { heldOutFraction: 1 }) };
}

function settingsOf(task: MeasuringTask, dataset: DatasetSource, blobs: BlobPaths): MeasuringRequest {
  const { base, kept, model, plan, round, scaling } = task;
  const { train } = plan;
  const personalModel = plannedPersonalModel(train);
  return {
    modelPath: blobs.pathOf(model.digest),
    weightsPath: blobs.pathOf(base.digest),
    dataset,
    reading: planReading(plan),
    ...(scaling === null ? {} : { scaling }),
    ...plannedTraining(plan),
    ...plannedKeeping(train),
    algorithm: plannedAlgorithm(train),
    ...(personalModel !== null && { personalModel }),
    measures: measuresFor(plan.metrics),
    ...(kept === null ? {} : { keptPath: blobs.pathOf(kept.digest) }),
    batchSize: train.batchSize,
    heldOutFraction: train.heldOutFraction,
    maxExamples: train.maxExamplesPerDevice,
    seed: trainingSeed(plan, round),
  };
}

/** Of the same examples however often it is asked: different ones would tell more than the plan says. */
export function summaryRequest({ plan, table }: SummaryTask, dataset: DatasetSource): SummaryRequest {
  return {
    dataset,
    reading: { ...planReading(plan), table },
    maxExamples: plan.train.maxExamplesPerDevice,
    seed: String(plan.plan.seed),
  };
}

/** How what a device sends lies. */
export function layoutOfUpdate(model: OnnxModel, train: CheckedPlan["train"]): ParameterLayout {
  const { shared } = shareParameters(model, train.personal);
  return updateLayout(shared, traitsOf(train.algorithm));
}

function rateOf({ plan, roundsDone }: TrainingTask): { readonly rate?: RateRequest } {
  const { schedule } = plan.train;
  if (schedule === undefined) return {};
  const { warmupRounds, everyRounds, factor, finalFactor, byStep } = schedule;
  const decay = schedule.decay as PlannedDecay;
  const { rounds = 1 } = plan.plan.schedule ?? {};
  return {
    rate: {
      schedule: { decay, warmupRounds, everyRounds, factor, finalFactor },
      ...{ done: Math.min(roundsDone, rounds - 1), rounds, byStep },
    },
  };
}

/**
 * The same for all devices of a round: the data differs, and a run can be
 * repeated bit for bit whatever ids its devices were given.
 */
function trainingSeed(plan: CheckedPlan, round: number): string {
  return `${plan.plan.seed}/${round}`;
}
