import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nesterov } from "../server-optimizers/nesterov.ts";
import { distance, federate, type Quadratic, seededQuadratics } from "./quadratics.fixture.ts";

const fleets = fc.integer({ min: 1, max: 6 }).map((count) => seededQuadratics(count, `${count}`));
const rounds = fc.integer({ min: 1, max: 6 });
const steps = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 6, maxLength: 6 });
const learningRate = 0.05;
const plain = { algorithm: "fedavg", population: 0 };

test("FedSGD, one step a round, is gradient descent on the mean of the devices' losses", () => {
  fc.assert(
    fc.property(fleets, rounds, (devices, count) => {
      const course = { devices, rounds: count, steps: 1, learningRate, cohort: devices.length };
      let w = zeros(devices);
      for (let round = 0; round < count; round += 1) {
        const gradients = devices.map((device) => gradientAt(device, w));
        w = w.map((value, index) => value - learningRate * mean(gradients, index));
      }
      assertClose(federate({ ...course, algorithm: plain }), w);
    }),
    { numRuns: 30 },
  );
});

test("FedProx, with as many steps as each device gets done, is the mean of descents on the pulled losses", () => {
  fc.assert(
    fc.property(fleets, rounds, steps, fc.constantFrom(0.1, 1, 5), (devices, count, done, proximal) => {
      const course = { devices, rounds: count, steps: done, learningRate, cohort: devices.length };
      const weights = { momentum: 0, nesterov: false, proximal, stepsMax: 9 };
      let w = zeros(devices);
      for (let round = 0; round < count; round += 1) {
        const trained = devices.map((device, index) => descend(device, w, done[index] ?? 0, proximal));
        w = w.map((_, index) => mean(trained, index));
      }
      assertClose(federate({ ...course, algorithm: { ...plain, weights } }), w);
    }),
    { numRuns: 30 },
  );
});

test("DiLoCo's outer loop is PyTorch's SGD with Nesterov momentum on the way that devices went, reversed", () => {
  fc.assert(
    fc.property(fleets, rounds, steps, (devices, count, done) => {
      const course = { devices, rounds: count, steps: done, learningRate, cohort: devices.length };
      let w = zeros(devices);
      let buffer = zeros(devices);
      for (let round = 0; round < count; round += 1) {
        const trained = devices.map((device, index) => descend(device, w, done[index] ?? 0, 0));
        const outer = w.map((value, index) => value - mean(trained, index));
        buffer = buffer.map((value, index) => 0.9 * value + (outer[index] ?? 0));
        w = w.map((value, index) => value - 0.7 * ((outer[index] ?? 0) + 0.9 * (buffer[index] ?? 0)));
      }
      assertClose(federate({ ...course, algorithm: plain, server: nesterov(0.7, 0.9) }), w);
    }),
    { numRuns: 30 },
  );
});

function zeros([first]: readonly Quadratic[]): number[] {
  return (first?.centre ?? []).map(() => 0);
}

function mean(vectors: readonly (readonly number[])[], index: number): number {
  return vectors.reduce((sum, vector) => sum + (vector[index] ?? 0), 0) / vectors.length;
}

function gradientAt({ curvature, centre }: Quadratic, w: readonly number[]): number[] {
  return w.map((value, index) => (curvature[index] ?? 0) * (value - (centre[index] ?? 0)));
}

/** On the loss of one device and proximal/2 |y - w|². */
function descend(device: Quadratic, w: readonly number[], count: number, proximal: number): number[] {
  let y = [...w];
  for (let step = 0; step < count; step += 1) {
    const gradient = gradientAt(device, y);
    y = y.map(
      (value, index) =>
        value - learningRate * ((gradient[index] ?? 0) + proximal * (value - (w[index] ?? 0))),
    );
  }
  return y;
}

function assertClose(reached: Float32Array, expected: readonly number[]): void {
  assert.ok(distance(reached, expected) < 1e-5 * (1 + Math.hypot(...expected)), `${reached}; ${expected}`);
}
