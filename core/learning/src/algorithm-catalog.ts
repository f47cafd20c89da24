import { SelvedgeError, type TrainTask } from "@selvedge/protocol";
import type { ClientAlgorithm, ServerAlgorithm } from "./algorithms/algorithm.ts";
import { fedDynClient, fedDynServer } from "./algorithms/fed-dyn.ts";
import { fedNovaClient, fedNovaServer, type StepWeights } from "./algorithms/fed-nova.ts";
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
}

/** Of a plan that was checked. */
export function plannedAlgorithm(train: TrainTask): PlannedAlgorithm {
  const { algorithm, population, alpha } = train;
  return {
    ...{ algorithm, population },
    ...(alpha !== undefined && { alpha }),
    ...(algorithm === "fednova" && { weights: stepWeights(train) }),
  };
}

/** The device half; null for plain averaging. @throws SelvedgeError `not_found` */
export function clientAlgorithm({
  algorithm,
  alpha = 0,
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
    default:
      throw unknown(algorithm);
  }
}

/** The server's half, around the plan's server optimizer. @throws SelvedgeError `not_found` */
export function serverAlgorithm(
  { algorithm, population, weights = plainSteps }: PlannedAlgorithm,
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
    fix: "use one of: fedavg, fedavg.2, scaffold, feddyn, fednova",
  });
}

const plainSteps: StepWeights = { momentum: 0, nesterov: false, proximal: 0, stepsMax: 1 };
