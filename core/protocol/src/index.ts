export {
  type AuditDetail,
  type AuditEntry,
  type AuditHead,
  type AuditRecord,
  emptyAuditHead,
  nextAuditLine,
} from "./audit/audit-record.ts";
export { AuditVerifier, readAuditLine } from "./audit/verify-audit.ts";
export { blobReferenceOf } from "./blob-reference.ts";
export {
  type DayLedger,
  type DeviceState,
  emptyDevice,
  type OfferFacts,
  type Task,
  type TaskPhase,
  type TrainingResult,
} from "./device/device-state.ts";
export { type KeptState, keptFor, keptOf, type NextKept, taskBlobs } from "./device/kept-states.ts";
export { matchPolicy, type Policy, type PolicyContext } from "./device/policy.ts";
export {
  type DeviceEffect,
  type DeviceEvent,
  deviceWakeAt,
  lastSubmittedAt,
  stepDevice,
  submissionRetryMs,
} from "./device/step-device.ts";
export { checkSelection, invitedMax, type PlannedSelection } from "./device-selection.ts";
export * from "./digest.ts";
export {
  channelBinding,
  type EnrolmentClaim,
  enrolmentKey,
  enrolmentMac,
  verifyEnrolmentMac,
} from "./enrolment/enrolment-mac.ts";
export { formatJoinToken, type JoinToken, parseJoinToken } from "./enrolment/join-token.ts";
export { formatOperatorToken, type OperatorToken, parseOperatorToken } from "./enrolment/operator-token.ts";
export { type RenewalClaim, signRenewal, verifyRenewal } from "./enrolment/renewal-signature.ts";
export { decodeEnvelope, encodeEnvelope } from "./envelope-codec.ts";
export { createStamper, type EnvelopeBody, type Stamper } from "./envelope-stamper.ts";
export * from "./errors.ts";
export { encodeEvaluation, evaluationReference } from "./evaluation-body.ts";
export * from "./gen/selvedge/v1/admission_pb.js";
export * from "./gen/selvedge/v1/backup_pb.js";
export * from "./gen/selvedge/v1/envelope_pb.js";
export * from "./gen/selvedge/v1/error_pb.js";
export * from "./gen/selvedge/v1/fleet_pb.js";
export * from "./gen/selvedge/v1/identity_pb.js";
export * from "./gen/selvedge/v1/image_pb.js";
export * from "./gen/selvedge/v1/model_pb.js";
export * from "./gen/selvedge/v1/operator_pb.js";
export * from "./gen/selvedge/v1/round_pb.js";
export * from "./gen/selvedge/v1/update_pb.js";
export { dependsOnBody } from "./job/admit-submission.ts";
export type { JobEffect, JobEvent, OfferAnswer, ReceiptVerdict, SubmissionFacts } from "./job/job-event.ts";
export { checkpointsOf, type WeightsCheckpoint, type WeightsOrigin } from "./job/job-origin.ts";
export {
  type AcceptedContribution,
  type AggregatorOutcome,
  type AnsweredBits,
  type GroupMetrics,
  hasEnded,
  isLeftOut,
  type JobPlan,
  type JobState,
  type JobStatus,
  lastTimeOf,
  type Member,
  type MemberStatus,
  type MetricSpread,
  type Metrics,
  type MetricsBreakdown,
  type RoundFigures,
  type RoundKind,
  type RoundPhase,
  type RoundState,
  type RoundSummary,
} from "./job/job-state.ts";
export { failedRoundsMax, offerRetryMs } from "./job/round-lifecycle.ts";
export { jobWakeAt, stepJob } from "./job/step-job.ts";
export * from "./limits.ts";
export {
  type CheckedPlan,
  decodePlan,
  encodePlan,
  phasesOf,
  scaledTable,
  type TaskKind,
} from "./plan.ts";
export { accumulateMax } from "./plan-checks.ts";
export {
  type ClassTarget,
  type InputTarget,
  isBinary,
  type NumbersTarget,
  type PlanTarget,
} from "./plan-target.ts";
export {
  blockRanges,
  laterAggregator,
  orderProblem,
  type PlannedBlock,
  plannedAggregators,
  plannedBlocks,
} from "./planned-aggregators.ts";
export {
  type AlgorithmTraits,
  keptModels,
  type NamedAlgorithm,
  sentBytes,
  sentModels,
  traitsOf,
} from "./planned-algorithms.ts";
export {
  binaryMetricNames,
  classCounts,
  errorMeasures,
  fallsAsItImproves,
  firstMetricNames,
  type MetricsContext,
  measuresFor,
  metricNames,
  type PlannedMeasures,
  scalarsOf,
  tellTargets,
} from "./planned-metrics.ts";
export { strategyOptionPattern } from "./planned-strategy.ts";
export type { PlannedDecay } from "./rate-schedule.ts";
export {
  checkRobustSettings,
  contributionsFor,
  isRobust,
  type RobustOption,
  type RobustRuleName,
  type RobustSettings,
  robustRanges,
  robustRuleNames,
} from "./robust-settings.ts";
export { SeededRandom, type SeededRandomState } from "./seeded-random.ts";
export {
  keyIdOf,
  keyOfSignature,
  type OperatorSignature,
  publicKeyFromRaw,
  rawPublicKey,
  signPlan,
  verifyPlan,
} from "./signing/operator-signature.ts";
export {
  type ColumnType,
  featuresOf,
  type MissingRule,
  type Normalisation,
  namesIn,
  needsStatistics,
  parseCell,
  statisticsBytesBound,
  type TableColumn,
  type TableSchema,
  tableSchemaOf,
  widthOf,
} from "./table-schema.ts";
export { codesOf, type TextSchema } from "./text-schema.ts";
export {
  algorithmOf,
  hasAccuracy,
  localStepsMax,
  type PlannedLoss,
  type PlannedOptimizer,
  type PlannedServerOptimizer,
  plannedLosses,
  plannedOptimizers,
  settingRanges,
} from "./training-settings.ts";
export type { Transition } from "./transition.ts";
