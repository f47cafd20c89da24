import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeRoundConfig, encodeRoundConfig } from "../round-config.ts";
import { fedAvg } from "../server-optimizers/fed-avg.ts";
import { qFedAvgClient, qFedAvgServer } from "./q-fed-avg.ts";
import { distance, federate, type Quadratic, seededQuadratics } from "./quadratics.fixture.ts";

test("[AL5] q-FedAvg is the paper's algorithm 2 on quadratics, whatever q", () => {
  const course = fc.record({
    devices: fc.integer({ min: 1, max: 6 }).map((count) => seededQuadratics(count, `${count}`)),
    q: fc.constantFrom(0, 0.1, 1, 2.5, 5),
    steps: fc.integer({ min: 1, max: 8 }),
    rounds: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(course, ({ devices, q, steps, rounds }) => {
      const given = { devices, steps, rounds, learningRate: 0.05 };
      const algorithm = { algorithm: "qfedavg", population: 0, q };
      const reached = federate({ ...given, algorithm, cohort: devices.length });
      const expected = reference(q, given);
      assert.ok(
        distance(reached, expected) < 1e-4 * (1 + Math.hypot(...expected)),
        `${reached}; ${expected}`,
      );
    }),
    { numRuns: 40 },
  );
});

test("with a higher q the losses of devices lie closer together", () => {
  const devices = seededQuadratics(8, "fair");
  const spread = (q: number): number => {
    const algorithm = { algorithm: "qfedavg", population: 0, q };
    const reached = federate({ algorithm, devices, cohort: 8, rounds: 400, steps: 2, learningRate: 0.05 });
    const losses = devices.map((device) => lossAt(device, [...reached]));
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    return losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / losses.length;
  };
  const [plain, fair] = [spread(0), spread(2)];
  assert.ok(fair < plain, `variance of losses ${fair} with q = 2, ${plain} with 0`);
});

test("[AL5] high powers of small losses are sent as well as of large ones, and a negative loss is refused", () => {
  const training = {
    ...{ own: new Float32Array(1), broadcast: new Float32Array(1), steps: 1, learningRate: 0.1 },
    ...{ update: Float32Array.of(1e-3), stepped: Float32Array.of(1e-3) },
  };
  const finish = (loss: number, scale: number): readonly Float32Array[] =>
    qFedAvgClient(5, scale).finish({ ...training, atBase: { loss, gradient: new Float32Array() } }).sent;
  const [[sent = 0] = []] = finish(1e-3, 1e-3);
  assert.ok(Math.abs(sent - 1e-3) < 1e-8);
  assert.throws(() => finish(-1, 1), { code: "out_of_range" });
  const server = qFedAvgServer(fedAvg(1));
  const { state } = server.update(server.init(1), Float32Array.of(0), Float64Array.of(1, 2, 0.25), 1);
  assert.equal(server.lossScale?.(state), 0.25);
});

test("powers that are all too small to add up leave the model as it is, and the next round has another scale", () => {
  const server = qFedAvgServer(fedAvg(1));
  const { parameters, state } = server.update(
    server.init(1),
    Float32Array.of(3),
    Float64Array.of(0, 0, 1e-3),
    1,
  );
  assert.deepEqual(parameters, Float32Array.of(3));
  assert.equal(server.lossScale?.(state), 1e-3);
});

test("whatever losses devices tell, the scale stays one that devices take", () => {
  const server = qFedAvgServer(fedAvg(1));
  for (const told of [0, 1000]) {
    let state = server.init(1);
    for (let round = 0; round < 10; round++)
      state = server.update(state, Float32Array.of(0), Float64Array.of(0, 1, told), 1).state;
    const config = encodeRoundConfig({}, null, null, server.lossScale?.(state) ?? null);
    assert.ok((decodeRoundConfig(config.bytes, null, "qfedavg").lossScale ?? 0) > 0);
  }
});

interface Given {
  readonly devices: readonly Quadratic[];
  readonly steps: number;
  readonly rounds: number;
  readonly learningRate: number;
}

/** As it is written, with L = 1 / rate: Delta_k = F^q L (w - w_k), h_k = q F^(q-1) |L (w - w_k)|² + L F^q. */
function reference(q: number, { devices, steps, rounds, learningRate }: Given): number[] {
  let w = (devices[0]?.centre ?? []).map(() => 0);
  for (let round = 0; round < rounds; round += 1) {
    const moved = w.map(() => 0);
    let total = 0;
    for (const device of devices) {
      const loss = lossAt(device, w);
      const away = descend(device, w, steps, learningRate).map(
        (value, index) => ((w[index] ?? 0) - value) / learningRate,
      );
      for (const [index, value] of away.entries()) moved[index] = (moved[index] ?? 0) + loss ** q * value;
      const norm = away.reduce((sum, value) => sum + value * value, 0);
      total += q * loss ** (q - 1) * norm + loss ** q / learningRate;
    }
    w = w.map((value, index) => value - (moved[index] ?? 0) / total);
  }
  return w;
}

function lossAt({ curvature, centre }: Quadratic, w: readonly number[]): number {
  return w.reduce(
    (sum, value, index) => sum + ((curvature[index] ?? 0) * (value - (centre[index] ?? 0)) ** 2) / 2,
    0,
  );
}

function descend(
  { curvature, centre }: Quadratic,
  w: readonly number[],
  steps: number,
  learningRate: number,
): number[] {
  return w.map((start, index) => {
    let value = start;
    for (let step = 0; step < steps; step += 1)
      value -= learningRate * (curvature[index] ?? 0) * (value - (centre[index] ?? 0));
    return value;
  });
}
