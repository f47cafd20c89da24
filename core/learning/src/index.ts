export type {
  Accumulator,
  ClientUpdate,
} from "./accumulator.ts";
export { decodeAccumulator, encodeAccumulator } from "./accumulator-codec.ts";
export { aggregatorOf, type PlannedAggregator } from "./aggregator-catalog.ts";
export {
  type AggregateReport,
  type Aggregator,
  type EncodedUpdate,
  openSumRound,
  type RandomSource,
  type RoundContext,
  type SumRound,
} from "./aggregators/aggregator.ts";
export { nameBits, readBits } from "./aggregators/answered-bits.ts";
export { around, type Block } from "./aggregators/block.ts";
export { flatMeasurements } from "./aggregators/flat-measurements.ts";
export { weightedMean } from "./aggregators/weighted-mean.ts";
export {
  clientAlgorithm,
  type PlannedAlgorithm,
  plannedAlgorithm,
  serverAlgorithm,
} from "./algorithm-catalog.ts";
export type {
  BaseMeasures,
  ClientAlgorithm,
  LocalOutcome,
  LocalTraining,
  ServerAlgorithm,
} from "./algorithms/algorithm.ts";
export {
  averagePrecision,
  type BinaryCounts,
  type BinaryRates,
  binaryRates,
  countBinary,
} from "./binary-metrics.ts";
export { type EncodedClientConfig, encodeClientConfig } from "./client-config-codec.ts";
export { checkComposition } from "./compose/check-composition.ts";
export { type Choice, choices } from "./compose/choices.ts";
export { type Exclusion, exclusions } from "./compose/exclusions.ts";
export {
  centralMetrics,
  combineMetrics,
  type Metrics,
  type MetricsReport,
  validateMetrics,
} from "./federated-metrics.ts";
export { updateBound } from "./grid64.ts";
export type { JsonObject, JsonValue } from "./json-object.ts";
export {
  type LearningRateSchedule,
  learningRateFactor,
  type RoundTime,
} from "./learning-rate-factor.ts";
export { breakDownMetrics, type DeviceReport } from "./metrics-breakdown.ts";
export { aggregateRobustly } from "./robust/aggregate-robustly.ts";
export { robustRuleNamed } from "./robust/robust-catalog.ts";
export type {
  RobustAggregate,
  RobustRule,
  StoredContribution,
  StoredUpdates,
} from "./robust/robust-rule.ts";
export { decodeRoundConfig, encodeRoundConfig, type RoundConfig } from "./round-config.ts";
export { type DeviceFacts, meetsRequirements } from "./selection/device-requirements.ts";
export { decodeLosses, encodeLosses, rememberLosses } from "./selection/last-losses.ts";
export { type SelectCohortOptions, selectCohort } from "./selection/select-cohort.ts";
export { devicesNeeded, selectDevices } from "./selection/select-devices.ts";
export { type ServerOptimizerOptions, serverOptimizerNamed } from "./server-optimizer-catalog.ts";
export { decodeServerOptimizerState, encodeServerOptimizerState } from "./server-optimizer-state-codec.ts";
export type {
  ServerOptimizer,
  ServerOptimizerResult,
  ServerOptimizerState,
} from "./server-optimizers/server-optimizer.ts";
export {
  type ColumnScaling,
  type FeatureScaling,
  scaleColumns,
  scaleFeatures,
} from "./statistics/column-scaling.ts";
export {
  type ColumnStatistics,
  mergeStatistics,
  summariseColumns,
} from "./statistics/column-statistics.ts";
export { decodeStatistics, encodeStatistics } from "./statistics/statistics-codec.ts";
export {
  asStrategy,
  checkStrategyResult,
  checkStrategyState,
  type Strategy,
  type StrategyRound,
} from "./strategies/strategy.ts";
