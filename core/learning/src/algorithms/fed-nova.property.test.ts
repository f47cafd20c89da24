import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type StepWeights, stepWeight } from "./fed-nova.ts";
import { distance, federate, optimum, type Quadratic, seededQuadratics } from "./quadratics.fixture.ts";

const kinds: readonly Omit<StepWeights, "stepsMax">[] = [
  { momentum: 0, nesterov: false, proximal: 0 },
  { momentum: 0.9, nesterov: false, proximal: 0 },
  { momentum: 0.5, nesterov: true, proximal: 0 },
  { momentum: 0, nesterov: false, proximal: 0.7 },
];

for (const kind of kinds) {
  const name = JSON.stringify(kind);

  test(`what FedNova divides by is the sum of the weights that its paper writes out: ${name}`, () => {
    for (const steps of [1, 2, 7, 40]) {
      const written = gradientWeights(kind, steps, 0.1).reduce((sum, each) => sum + each, 0);
      assert.ok(Math.abs(stepWeight(kind, steps, 0.1) / written - 1) < 1e-12, `${steps} steps`);
    }
  });

  test(`FedNova is the paper's equation 6 on quadratics, however many steps devices take: ${name}`, () => {
    const course = fc.record({
      devices: fc.integer({ min: 1, max: 6 }).map((count) => seededQuadratics(count, `${count}`)),
      steps: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 6, maxLength: 6 }),
      rounds: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(course, ({ devices, steps, rounds }) => {
        const algorithm = { algorithm: "fednova", population: 0, weights: { ...kind, stepsMax: 12 } };
        const given = { devices, steps, rounds, learningRate: 0.05 };
        const reached = federate({ ...given, algorithm, cohort: devices.length });
        const expected = reference(kind, given);
        const scale = 1 + Math.hypot(...expected);
        assert.ok(distance(reached, expected) < 1e-5 * scale, `${reached} and ${expected}`);
      }),
      { numRuns: 30 },
    );
  });
}

test("what FedNova divides by is right for the smallest proximal term and the heaviest momentum", () => {
  const plain = { momentum: 0, nesterov: false, proximal: 0 };
  assert.equal(stepWeight({ ...plain, proximal: 1e-20 }, 40, 0.1), 40);
  const [velocity, heavy] = [1 + 0.999_999, { ...plain, momentum: 0.999_999 }];
  assert.equal(stepWeight(heavy, 1, 0.1), 1);
  assert.equal(stepWeight({ ...heavy, nesterov: true }, 2, 0.1), 2 + 0.999_999 * (1 + velocity));
});

test("where devices take different numbers of steps, FedNova comes to the optimum of the sum and FedAvg to another", () => {
  const devices = seededQuadratics(12, "unequal");
  const steps = devices.map((_, index) => 1 + 3 * index);
  const course = { devices, steps, cohort: devices.length, rounds: 3_000, learningRate: 0.002 };
  const plain = federate({ ...course, algorithm: { algorithm: "fedavg", population: 0 } });
  const weights = { momentum: 0, nesterov: false, proximal: 0, stepsMax: 34 };
  const normalised = federate({ ...course, algorithm: { algorithm: "fednova", population: 0, weights } });
  const best = optimum(devices);
  const [away, close] = [distance(plain, best), distance(normalised, best)];
  assert.ok(close < away / 5, `fednova ends ${close} from the optimum, fedavg ${away}`);
});

interface Given {
  readonly devices: readonly Quadratic[];
  readonly steps: readonly number[];
  readonly rounds: number;
  readonly learningRate: number;
}

/** Equation 6 as it is written: d_i = G_i a_i / |a_i|, x = x - tau_eff * sum of p_i * rate * d_i. */
function reference(kind: Omit<StepWeights, "stepsMax">, given: Given): number[] {
  const { devices, steps, rounds, learningRate } = given;
  let x = (devices[0]?.centre ?? []).map(() => 0);
  for (let round = 0; round < rounds; round += 1) {
    let effective = 0;
    const direction = x.map(() => 0);
    for (const [device, quadratic] of devices.entries()) {
      const a = gradientWeights(kind, steps[device] ?? 0, learningRate);
      const norm = a.reduce((sum, each) => sum + each, 0);
      const gradients = gradientsOf(kind, quadratic, x, a.length, learningRate);
      for (const [index] of x.entries()) {
        const moved = gradients.reduce(
          (sum, gradient, step) => sum + (gradient[index] ?? 0) * (a[step] ?? 0),
          0,
        );
        direction[index] = (direction[index] ?? 0) + moved / norm / devices.length;
      }
      effective += norm / devices.length;
    }
    x = x.map((value, index) => value - effective * learningRate * (direction[index] ?? 0));
  }
  return x;
}

/** a_i of section 4: how much the gradient of each step weighs in the whole change. */
function gradientWeights(
  { momentum, nesterov, proximal }: Omit<StepWeights, "stepsMax">,
  steps: number,
  learningRate: number,
): number[] {
  return Array.from({ length: steps }, (_, step) => {
    const left = steps - step;
    if (proximal > 0) return (1 - proximal * learningRate) ** (left - 1);
    const heavy = (1 - momentum ** left) / (1 - momentum);
    return nesterov ? 1 + momentum * heavy : heavy;
  });
}

/** The gradients of the loss itself at each of the steps from x. */
function gradientsOf(
  { momentum, nesterov, proximal }: Omit<StepWeights, "stepsMax">,
  { curvature, centre }: Quadratic,
  x: readonly number[],
  steps: number,
  learningRate: number,
): number[][] {
  const [y, velocity] = [[...x], x.map(() => 0)];
  return Array.from({ length: steps }, () => {
    const gradient = y.map((value, index) => (curvature[index] ?? 0) * (value - (centre[index] ?? 0)));
    for (const [index, each] of gradient.entries()) {
      const whole = each + proximal * ((y[index] ?? 0) - (x[index] ?? 0));
      velocity[index] = momentum * (velocity[index] ?? 0) + whole;
      const step = nesterov ? whole + momentum * (velocity[index] ?? 0) : (velocity[index] ?? 0);
      y[index] = (y[index] ?? 0) - learningRate * step;
    }
    return gradient;
  });
}
