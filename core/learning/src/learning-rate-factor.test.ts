import assert from "node:assert/strict";
import { test } from "node:test";
import { type LearningRateSchedule, learningRateFactor } from "./learning-rate-factor.ts";

const plain: LearningRateSchedule = {
  ...{ decay: "constant", warmupRounds: 0 },
  ...{ everyRounds: 0, factor: 0, finalFactor: 0 },
};

function factors(change: Partial<LearningRateSchedule>, rounds: number): number[] {
  const schedule = { ...plain, ...change };
  return Array.from({ length: rounds }, (_, done) => learningRateFactor(schedule, { done, each: 1, rounds }));
}

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [index, value] of expected.entries()) {
    assert.ok(Math.abs((actual[index] ?? Number.NaN) - value) < 1e-11, `${actual[index]}, PyTorch ${value}`);
  }
}

test("[RE11] decays from round to round are those of PyTorch's schedulers", () => {
  assertClose(
    factors({ decay: "cosine", finalFactor: 0.1 }, 8),
    [1, 0.96574578963, 0.868198051534, 0.722207544564, 0.55, 0.377792455436, 0.231801948466, 0.13425421037],
  );
  assertClose(factors({ decay: "linear", finalFactor: 0.2 }, 8), [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]);
  assertClose(
    factors({ decay: "step", everyRounds: 3, factor: 0.5 }, 8),
    [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25],
  );
  assertClose(factors({}, 3), [1, 1, 1]);
});

test("[RE11] a warm-up rises in a straight line, and the decay takes what is left of the rounds", () => {
  assertClose(factors({ warmupRounds: 4 }, 6), [0.25, 0.5, 0.75, 1, 1, 1]);
  assertClose(factors({ decay: "linear", warmupRounds: 2 }, 6), [0.5, 1, 1, 0.75, 0.5, 0.25]);
  const steps = { ...plain, decay: "linear", warmupRounds: 1 } as const;
  const at = (done: number): number => learningRateFactor(steps, { done, each: 0.25, rounds: 3 });
  assertClose([0, 0.25, 0.5, 0.75].map(at), [0.25, 0.5, 0.75, 1]);
  assertClose([1, 1.5, 2.75].map(at), [1, 0.75, 0.125]);
});

test("no rate is ever 0", () => {
  for (const decay of ["cosine", "linear"] as const) {
    assert.ok(factors({ decay, warmupRounds: 3 }, 100).every((factor) => factor > 0));
  }
});
