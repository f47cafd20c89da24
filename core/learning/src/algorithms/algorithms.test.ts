import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { clientAlgorithm, serverAlgorithm } from "../algorithm-catalog.ts";
import { fedAvg } from "../server-optimizers/fed-avg.ts";
import { distance, federate, optimum, seededQuadratics } from "./quadratics.fixture.ts";

const plain = { algorithm: "fedavg", population: 0 };
const scaffold = { algorithm: "scaffold", population: 2 };
const feddyn = { algorithm: "feddyn", population: 2, alpha: 0.5 };

test("two rounds of SCAFFOLD on two quadratics are those worked out by hand", () => {
  // Losses w²/2 and 2 (w - 3)², rate 1/4, two steps, from w = 0; gradients w and 4 w - 12.
  // Round 1, no corrections: y1 = 0; y2 = 3, 3. Updates 0 and 3, x = 1.5.
  // c1 = 0 - 0 - 0 / 0.5 = 0; c2 = -3 / 0.5 = -6; c = 2/2 * mean(0, -6) = -3.
  // Round 2 from 1.5, corrections c - c1 = -3 and c - c2 = 3:
  // y1: 1.5 - (1.5 - 3)/4 = 1.875, 1.875 - (1.875 - 3)/4 = 2.15625; y2: 1.5 - (-6 + 3)/4 = 2.25, 2.25 - (-3 + 3)/4 = 2.25.
  // Updates 0.65625 and 0.75; x = 1.5 + 0.703125.
  const devices = [
    { curvature: [1], centre: [0] },
    { curvature: [4], centre: [3] },
  ];
  const course = { algorithm: scaffold, devices, cohort: 2, steps: 2, learningRate: 0.25 };
  assert.deepEqual([...federate({ ...course, rounds: 1 })], [1.5]);
  assert.deepEqual([...federate({ ...course, rounds: 2 })], [2.203125]);
});

test("two rounds of FedDyn on two quadratics are those worked out by hand", () => {
  // Losses w²/2 and (w - 2)²/2, alpha 1/2, rate 1/2, one step, from w = 0.
  // Round 1: y1 = 0, y2 = 1; g1 = 0, g2 = -0.5; mean 0.5, drift = -0.5; w = 0 + 0.5 + 0.5 = 1.
  // Round 2, corrections 0 and 0.5: y1 = 1 - 0.5 = 0.5; y2 = 1 - 0.5 (-1 + 0.5) = 1.25.
  // mean -0.125, drift = -0.5 + 0.125 = -0.375; w = 1 - 0.125 + 0.375 = 1.25.
  const devices = [
    { curvature: [1], centre: [0] },
    { curvature: [1], centre: [2] },
  ];
  const course = { algorithm: feddyn, devices, cohort: 2, steps: 1, learningRate: 0.5 };
  assert.deepEqual([...federate({ ...course, rounds: 1 })], [1]);
  assert.deepEqual([...federate({ ...course, rounds: 2 })], [1.25]);
});

test("where devices differ and take many steps, SCAFFOLD and FedDyn reach the optimum and FedAvg does not", () => {
  const devices = seededQuadratics(20, "devices");
  const best = optimum(devices);
  const fromBest = (algorithm: typeof feddyn | typeof scaffold, cohort: number): number => {
    const course = { devices, cohort, rounds: 400, steps: 20, learningRate: 0.1 };
    const reached = federate({ ...course, algorithm: { ...algorithm, population: devices.length } });
    return distance(reached, best);
  };
  const averaged = fromBest(plain, 20);
  assert.ok(averaged > 0.2, `fedavg ends ${averaged} from the optimum`);
  for (const cohort of [20, 8]) {
    const [controlled, dynamic] = [fromBest(scaffold, cohort), fromBest(feddyn, cohort)];
    assert.ok(controlled < averaged / 20, `scaffold of ${cohort}: ${controlled}, fedavg: ${averaged}`);
    assert.ok(dynamic < averaged / 20, `feddyn of ${cohort}: ${dynamic}, fedavg: ${averaged}`);
  }
});

test("the server's control variate moves by the share of the population that took part", () => {
  const server = serverAlgorithm({ ...scaffold, population: 8 }, fedAvg(1));
  const { state, parameters } = server.update(server.init(1), Float32Array.of(1), Float64Array.of(2, 4), 2);
  assert.deepEqual(parameters, Float32Array.of(3));
  assert.deepEqual(server.broadcast(state), Float32Array.of(1));
  assert.throws(() => server.update(state, Float32Array.of(1), Float64Array.of(2), 1), SelvedgeError);
});

test("plain averaging corrects nothing, and an unknown algorithm is refused", () => {
  assert.equal(clientAlgorithm(plain), null);
  assert.equal(serverAlgorithm(plain, fedAvg(1)).broadcast({ step: 0, vectors: {} }), null);
  for (const make of [clientAlgorithm, (asked: typeof plain) => serverAlgorithm(asked, fedAvg(1))])
    assert.throws(() => make({ algorithm: "fedprox", population: 1 }), { code: "not_found" });
});
