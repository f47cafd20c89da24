import { SelvedgeError, type TrainTask } from "@selvedge/protocol";
import type { ClientAlgorithm, ServerAlgorithm } from "./algorithms/algorithm.ts";
import { fedDynClient, fedDynServer } from "./algorithms/fed-dyn.ts";
import { fedNovaClient, fedNovaServer, type StepWeights } from "./algorithms/fed-nova.ts";
import { mimeLiteClient, mimeLiteServer } from "./algorithms/mime-lite.ts";
import { qFedAvgClient, qFedAvgServer } from "./algorithms/q-fed-avg.ts";
import { scaffoldClient, scaffoldServer } from "./algorithms/scaffold.ts";
import type { ServerOptimizer } from "./server-optimizers/server-optimizer.ts";

/** What a plan says of its algorithm: plain data. */
export interface PlannedAlgorithm {
  /** "fedavg" and "fedavg.2" are plain averaging. */
  readonly algorithm: string;
  /** Devices that may ever take part, of scaffold and feddyn. */
  readonly population: number;
  /** Of feddyn. */
  readonly alpha?: number;
  /** Of fednova. */
  readonly weights?: StepWeights;
  /** Of qfedavg; and what losses are divided by, on a device. */
  readonly q?: number;
  readonly lossScale?: number;
  /** Of mimelite. */
  readonly beta?: number;
}

/** Of a plan that was checked. */
export function plannedAlgorithm(train: TrainTask): PlannedAlgorithm {
  const { algorithm, population, alpha, beta, q } = train;
  return {
    ...{ algorithm, population },
    ...(alpha !== undefined && { alpha }),
    ...(beta !== undefined && { beta }),
    ...(q !== undefined && { q }),
    ...(algorithm === "fednova" && { weights: stepWeights(train) }),
  };
}

/** The device half; null for plain averaging. @throws SelvedgeError `not_found` */
export function clientAlgorithm({
  algorithm,
  alpha = 0,
  beta = 0,
  lossScale = 1,
  q = 0,
  weights = plainSteps,
}: Omit<PlannedAlgorithm, "population">): ClientAlgorithm | null {
  switch (algorithm) {
    case "fedavg":
    case "fedavg.2":
      return null;
    case "scaffold":
      return scaffoldClient;
    case "feddyn":
      return fedDynClient(alpha);
    case "fednova":
      return fedNovaClient(weights);
    case "qfedavg":
      return qFedAvgClient(q, lossScale);
    case "mimelite":
      return mimeLiteClient(beta);
    default:
      throw unknown(algorithm);
  }
}

/** The server's half, around the plan's server optimizer. @throws SelvedgeError `not_found` */
export function serverAlgorithm(
  { algorithm, beta = 0, population, weights = plainSteps }: PlannedAlgorithm,
  optimizer: ServerOptimizer,
): ServerAlgorithm {
  switch (algorithm) {
    case "fedavg":
    case "fedavg.2":
      return { ...optimizer, broadcast: () => null };
    case "scaffold":
      return scaffoldServer(optimizer, population);
    case "feddyn":
      return fedDynServer(population);
    case "fednova":
      return fedNovaServer(optimizer, weights);
    case "qfedavg":
      return qFedAvgServer(optimizer);
    case "mimelite":
      return mimeLiteServer(optimizer, beta);
    default:
      throw unknown(algorithm);
  }
}

function stepWeights(train: TrainTask): StepWeights {
  const { localEpochs, localSteps, batchSize, accumulate, maxExamplesPerDevice } = train;
  const { momentum = 0, nesterov = false } = train.optimizerOptions ?? {};
  const stepSize = batchSize * Math.max(1, accumulate);
  const stepsMax = localSteps || localEpochs * Math.ceil(maxExamplesPerDevice / stepSize);
  return { momentum, nesterov, proximal: train.gradientOptions?.proximal ?? 0, stepsMax };
}

function unknown(algorithm: string): SelvedgeError {
  return new SelvedgeError("not_found", `no algorithm "${algorithm}"`, {
    at: "plan.task.algorithm",
    fix: "use one of: fedavg, fedavg.2, scaffold, feddyn, fednova, qfedavg, mimelite",
  });
}

const plainSteps: StepWeights = { momentum: 0, nesterov: false, proximal: 0, stepsMax: 1 };
