export { type CallOptions, Child, type ChildOptions } from "./child.ts";
export type { Handlers, MethodShape, MethodTable, ProgressOf } from "./child-methods.ts";
export type { ClientOutcome } from "./client-methods.ts";
export { ClientProcess } from "./client-process.ts";
export type {
  BinaryResult,
  EvaluationResult,
} from "./evaluation-loop.ts";
export { evaluationScalars } from "./evaluation-scalars.ts";
export { machineMemoryBytes } from "./machine-memory.ts";
export { modelMismatch } from "./model-mismatch.ts";
export { NativeSession } from "./native-session.ts";
export { serveChild } from "./serve-child.ts";
export {
  type ElementData,
  type ElementType,
  elementTypes,
  type Tensor,
  type TensorDeclaration,
  type Tensors,
} from "./tensor.ts";
export { type TrainingCost, trainingCost } from "./training-cost.ts";
export {
  runTraining,
  type TrainingProgress,
  type TrainingResult,
  type TrainingRun,
} from "./training-loop.ts";
export type {
  EvaluationRequest,
  LocalTraining,
  MeasuringRequest,
  RateRequest,
  SummaryOutcome,
  SummaryRequest,
  TrainingMetrics,
  TrainingOutcome,
  TrainingRequest,
} from "./training-methods.ts";
export { type ProcessCallOptions, TrainingProcess, type TrainingProcessOptions } from "./training-process.ts";
