import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { distance, federate, type Quadratic, seededQuadratics } from "./quadratics.fixture.ts";

test("[AL6] MimeLite with momentum is the paper's algorithm 1 on quadratics", () => {
  const course = fc.record({
    devices: fc.integer({ min: 1, max: 6 }).map((count) => seededQuadratics(count, `${count}`)),
    beta: fc.constantFrom(0, 0.5, 0.9),
    steps: fc.integer({ min: 1, max: 8 }),
    rounds: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(course, ({ devices, beta, steps, rounds }) => {
      const given = { devices, steps, rounds, learningRate: 0.05 };
      const algorithm = { algorithm: "mimelite", population: 0, beta };
      const reached = federate({ ...given, algorithm, cohort: devices.length });
      const expected = reference(beta, given);
      assert.ok(
        distance(reached, expected) < 1e-4 * (1 + Math.hypot(...expected)),
        `${reached}; ${expected}`,
      );
    }),
    { numRuns: 40 },
  );
});

interface Given {
  readonly devices: readonly Quadratic[];
  readonly steps: number;
  readonly rounds: number;
  readonly learningRate: number;
}

/** As it is written: y = y - rate ((1 - beta) g(y) + beta m) with m as it is; then m = (1 - beta) mean g(x) + beta m. */
function reference(beta: number, { devices, steps, rounds, learningRate }: Given): number[] {
  let x = (devices[0]?.centre ?? []).map(() => 0);
  let m = x.map(() => 0);
  for (let round = 0; round < rounds; round += 1) {
    const [sum, gradients] = [x.map(() => 0), x.map(() => 0)];
    for (const device of devices) {
      const y = [...x];
      for (let step = 0; step < steps; step += 1) {
        for (const [index, value] of gradientAt(device, y).entries())
          y[index] = (y[index] ?? 0) - learningRate * ((1 - beta) * value + beta * (m[index] ?? 0));
      }
      for (const [index, value] of gradientAt(device, x).entries()) {
        gradients[index] = (gradients[index] ?? 0) + value / devices.length;
        sum[index] = (sum[index] ?? 0) + (y[index] ?? 0) / devices.length;
      }
    }
    m = m.map((value, index) => beta * value + (1 - beta) * (gradients[index] ?? 0));
    x = sum;
  }
  return x;
}

function gradientAt({ curvature, centre }: Quadratic, w: readonly number[]): number[] {
  return w.map((value, index) => (curvature[index] ?? 0) * (value - (centre[index] ?? 0)));
}
