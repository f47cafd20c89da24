import { SeededRandom } from "@selvedge/protocol";
import { clientAlgorithm, type PlannedAlgorithm, serverAlgorithm } from "../algorithm-catalog.ts";
import { fedAvg } from "../server-optimizers/fed-avg.ts";

/** One device's loss: the mean over its dimensions of curvature/2 * (w - centre)². */
export interface Quadratic {
  readonly curvature: readonly number[];
  readonly centre: readonly number[];
}

export interface Course {
  readonly algorithm: PlannedAlgorithm;
  readonly devices: readonly Quadratic[];
  readonly cohort: number;
  readonly rounds: number;
  readonly steps: number;
  readonly learningRate: number;
}

/** The parameters after so many rounds of gradient descent on devices, from zero, with equal weights. */
export function federate({ algorithm, devices, cohort, rounds, steps, learningRate }: Course): Float32Array {
  const random = SeededRandom.fromSeed("cohorts");
  const length = devices[0]?.centre.length ?? 0;
  const server = serverAlgorithm(algorithm, fedAvg(1));
  const client = clientAlgorithm(algorithm);
  const kept = devices.map(() => new Float32Array(length));
  let parameters: Float32Array = new Float32Array(length);
  let state = server.init(length);
  for (let round = 0; round < rounds; round += 1) {
    const order = Int32Array.from(devices, (_, index) => index);
    random.shuffle(order);
    const chosen = order.subarray(0, cohort);
    const broadcast = server.broadcast(state) ?? new Float32Array(length);
    const sum = new Float64Array(client?.sendsChange === true ? 2 * length : length);
    for (const device of chosen) {
      const own = kept[device] ?? new Float32Array(length);
      const correction = client?.correction(own, broadcast) ?? new Float32Array(length);
      const { curvature = [], centre = [] } = devices[device] ?? {};
      const trained = Float32Array.from(parameters);
      for (let step = 0; step < steps; step += 1) {
        for (const [index, value] of trained.entries()) {
          const gradient = (curvature[index] ?? 0) * (value - (centre[index] ?? 0));
          const pull = (algorithm.alpha ?? 0) * (value - (parameters[index] ?? 0));
          trained[index] = value - learningRate * (gradient + pull + (correction[index] ?? 0));
        }
      }
      const update = trained.map((value, index) => value - (parameters[index] ?? 0));
      for (const [index, value] of update.entries()) sum[index] = (sum[index] ?? 0) + value / cohort;
      if (client === null) continue;
      const next = client.next({ own, broadcast, update, steps, learningRate });
      if (client.sendsChange) {
        for (const [index, value] of next.entries()) {
          sum[length + index] = (sum[length + index] ?? 0) + (value - (own[index] ?? 0)) / cohort;
        }
      }
      kept[device] = next;
    }
    const moved = server.update(state, parameters, sum, cohort);
    parameters = moved.parameters;
    state = moved.state;
  }
  return parameters;
}

/** Where the sum of all losses is least. */
export function optimum(devices: readonly Quadratic[]): number[] {
  return (devices[0]?.centre ?? []).map((_, index) => {
    const weighted = devices.map(({ curvature, centre }) => (curvature[index] ?? 0) * (centre[index] ?? 0));
    const total = devices.reduce((sum, { curvature }) => sum + (curvature[index] ?? 0), 0);
    return weighted.reduce((sum, each) => sum + each, 0) / total;
  });
}
