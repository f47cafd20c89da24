export type { InputFormat, InputScaling } from "./batch-data.ts";
export type { BatchGraph } from "./batch-loop.ts";
export { describeModel, type ModelDescription, type TensorDescription } from "./describe-model.ts";
export type { ElementType } from "./element-type.ts";
export { type EvaluationOptions, evaluationGraph } from "./evaluation-graph.ts";
export type { GradientTerms } from "./gradient-terms.ts";
export { joinLayouts, pickTensors, placeTensors } from "./layout-sections.ts";
export type { Measures } from "./loss-outputs.ts";
export type { TargetFormat } from "./losses/loss-rule.ts";
export type { Loss, LossName } from "./losses.ts";
export { type OnnxModel, type ParseOptions, parseModel, serializeModel } from "./model.ts";
export { initialState } from "./optimizer-state.ts";
export type { Optimizer, OptimizerName } from "./optimizers.ts";
export {
  type ParameterLayout,
  type ParameterSlot,
  parameterLayout,
  readParameters,
  slotOf,
} from "./parameters.ts";
export {
  batchNormalizationWord,
  type SharedParameters,
  shareParameters,
  updateLayout,
} from "./personal-parameters.ts";
export {
  type KeepingSettings,
  type PersonalModelSettings,
  plannedKeeping,
  plannedPersonalModel,
  plannedTraining,
  type TrainingSettings,
} from "./planned-training.ts";
export { ports } from "./ports.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  mapSafetensors,
  type SafetensorsMap,
  safetensorsHeadBytes,
} from "./safetensors.ts";
export { type ByteRange, safetensorsRanges } from "./safetensors-ranges.ts";
export { scaleInput } from "./scale-input.ts";
export { type TrainingGraph, type TrainingOptions, trainingGraph } from "./training-graph.ts";
export {
  type FrozenTensor,
  type StoredTensor,
  type TrainedTensor,
  type TrainingReport,
  trainingReport,
} from "./training-report.ts";
export { withoutLoss } from "./without-loss.ts";
export { writeParameters } from "./write-parameters.ts";
export { buildCnn, type CnnOptions, fedAvgCnn } from "./zoo/build-cnn.ts";
export { buildMlp, type MlpOptions } from "./zoo/build-mlp.ts";
export { buildZooModel, type ZooEntry, type ZooOptions, zoo } from "./zoo/zoo.ts";
