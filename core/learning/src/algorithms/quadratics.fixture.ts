import { SeededRandom } from "@selvedge/protocol";
import { clientAlgorithm, type PlannedAlgorithm, serverAlgorithm } from "../algorithm-catalog.ts";
import { fedAvg } from "../server-optimizers/fed-avg.ts";
import type { ServerOptimizer } from "../server-optimizers/server-optimizer.ts";
import type { BaseMeasures } from "./algorithm.ts";

/** One device's loss: the sum over its dimensions of curvature/2 * (w - centre)². */
export interface Quadratic {
  readonly curvature: readonly number[];
  readonly centre: readonly number[];
}

export interface Course {
  readonly algorithm: PlannedAlgorithm;
  readonly devices: readonly Quadratic[];
  readonly cohort: number;
  readonly rounds: number;
  /** Of each device, or of all. */
  readonly steps: number | readonly number[];
  readonly learningRate: number;
  /** FedAvg at a rate of 1 when absent. */
  readonly server?: ServerOptimizer;
}

/** The parameters after so many rounds of gradient descent on devices, from zero, with equal weights. */
export function federate(course: Course): Float32Array {
  const { algorithm, devices, cohort, rounds, steps, learningRate } = course;
  const random = SeededRandom.fromSeed("cohorts");
  const length = devices[0]?.centre.length ?? 0;
  const server = serverAlgorithm(algorithm, course.server ?? fedAvg(1));
  const kept = devices.map(() => new Float32Array(length));
  let parameters: Float32Array = new Float32Array(length);
  let state = server.init(length);
  for (let round = 0; round < rounds; round += 1) {
    const order = Int32Array.from(devices, (_, index) => index);
    random.shuffle(order);
    const lossScale = server.lossScale?.(state) ?? 1;
    const client = clientAlgorithm({ ...algorithm, lossScale });
    const broadcast = server.broadcast(state) ?? new Float32Array(length);
    let sum = new Float64Array();
    for (const device of order.subarray(0, cohort)) {
      const own = kept[device] ?? new Float32Array(length);
      const correction = client?.correction(own, broadcast) ?? new Float32Array(length);
      const taken = typeof steps === "number" ? steps : (steps[device] ?? 0);
      const loss = devices[device] ?? { curvature: [], centre: [] };
      const update = descend(loss, parameters, correction, taken, { algorithm, learningRate });
      const atBase = measure(loss, parameters);
      const training = { own, broadcast, update, stepped: update, steps: taken, learningRate, atBase };
      const outcome = client?.finish(training);
      const sent = outcome?.sent.flatMap((part) => [...part]) ?? [...update];
      if (sum.length === 0) sum = new Float64Array(sent.length);
      for (const [index, value] of sent.entries()) sum[index] = (sum[index] ?? 0) + value / cohort;
      if (outcome?.kept) kept[device] = outcome.kept;
    }
    const moved = server.update(state, parameters, sum, cohort);
    parameters = moved.parameters;
    state = moved.state;
  }
  return parameters;
}

/** What so many steps of a device's own make of the parameters, minus these. */
function descend(
  { curvature, centre }: Quadratic,
  base: Float32Array,
  correction: Float32Array,
  steps: number,
  { algorithm, learningRate }: Pick<Course, "algorithm" | "learningRate">,
): Float32Array {
  const rate = learningRate * (1 - (algorithm.beta ?? 0));
  const { momentum = 0, nesterov = false, proximal = algorithm.alpha ?? 0 } = algorithm.weights ?? {};
  return base.map((start, index) => {
    let [value, velocity] = [start, 0];
    for (let step = 0; step < steps; step += 1) {
      const pull = proximal * (value - start) + (correction[index] ?? 0);
      const gradient = (curvature[index] ?? 0) * (value - (centre[index] ?? 0)) + pull;
      velocity = momentum * velocity + gradient;
      value -= rate * (nesterov ? gradient + momentum * velocity : velocity);
    }
    return value - start;
  });
}

function measure({ curvature, centre }: Quadratic, at: Float32Array): BaseMeasures {
  const away = Array.from(at, (value, index) => value - (centre[index] ?? 0));
  const gradient = Float32Array.from(away, (value, index) => (curvature[index] ?? 0) * value);
  return {
    loss: away.reduce((sum, value, index) => sum + (value * (gradient[index] ?? 0)) / 2, 0),
    gradient,
  };
}

/** Where the sum of all losses is least. */
export function optimum(devices: readonly Quadratic[]): number[] {
  return (devices[0]?.centre ?? []).map((_, index) => {
    const weighted = devices.map(({ curvature, centre }) => (curvature[index] ?? 0) * (centre[index] ?? 0));
    const total = devices.reduce((sum, { curvature }) => sum + (curvature[index] ?? 0), 0);
    return weighted.reduce((sum, each) => sum + each, 0) / total;
  });
}

/** Losses of devices that differ, of five dimensions. */
export function seededQuadratics(count: number, seed: string): Quadratic[] {
  const random = SeededRandom.fromSeed(seed);
  return Array.from({ length: count }, () => ({
    curvature: Array.from({ length: 5 }, () => 0.1 + 2 * random.uniform()),
    centre: Array.from({ length: 5 }, () => 4 * random.normal()),
  }));
}

export function distance(one: Iterable<number>, other: readonly number[]): number {
  return Math.hypot(...Array.from(one, (value, index) => value - (other[index] ?? 0)));
}
