import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { aggregateRobustly } from "./aggregate-robustly.ts";
import { bulyan } from "./bulyan.ts";
import { coordinateMedian } from "./coordinate-median.ts";
import { geometricMedian } from "./geometric-median.ts";
import { krum, multiKrum } from "./krum.ts";
import { normFilter } from "./norm-filter.ts";
import type { RobustRule } from "./robust-rule.ts";
import { trimmedMean } from "./trimmed-mean.ts";
import { updatesOf } from "./updates.fixture.ts";

const byzantine = 2;
const devices = 11;
const rules: readonly RobustRule[] = [
  coordinateMedian,
  trimmedMean(byzantine / devices),
  krum(byzantine),
  multiKrum(byzantine),
  bulyan(byzantine),
  geometricMedian(8),
  normFilter(),
];

const honestValue = fc.float({ min: -1, max: 1, noNaN: true, noDefaultInfinity: true });
const hostileValue = fc.float({ min: -2_000, max: 2_000, noNaN: true, noDefaultInfinity: true });
const vector = (value: fc.Arbitrary<number>, length: number) =>
  fc.array(value, { minLength: length, maxLength: length });
const rounds = fc.integer({ min: 1, max: 5 }).chain((length) =>
  fc.record({
    honest: fc.array(vector(honestValue, length), {
      minLength: devices - byzantine,
      maxLength: devices - byzantine,
    }),
    hostile: fc.array(vector(hostileValue, length), { minLength: byzantine, maxLength: byzantine }),
    weights: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: devices, maxLength: devices }),
    order: fc.shuffledSubarray([...Array(devices).keys()], { minLength: devices }),
  }),
);

test("[RA5] the order in which updates arrived changes no bit", async () => {
  await fc.assert(
    fc.asyncProperty(rounds, async ({ honest, hostile, weights, order }) => {
      const { contributions, ...updates } = updatesOf([...honest, ...hostile], weights);
      const shuffled = order.flatMap((index) => contributions[index] ?? []);
      for (const rule of rules) {
        const straight = await aggregateRobustly(rule, { ...updates, contributions });
        const other = await aggregateRobustly(rule, { ...updates, contributions: shuffled });
        assert.deepEqual(other, straight, rule.name);
      }
    }),
  );
});

test("what all devices sent alike is the result", async () => {
  await fc.assert(
    fc.asyncProperty(vector(hostileValue, 3), rounds, async (update, { weights }) => {
      for (const rule of rules) {
        const updates = updatesOf(
          weights.map(() => update),
          weights,
        );
        const { result } = await aggregateRobustly(rule, updates);
        for (const [index, value] of result.entries()) {
          const wanted = Math.fround(update[index] ?? 0);
          assert.ok(Math.abs(value - wanted) <= 1e-12 * Math.abs(wanted), `${rule.name}: ${value}`);
        }
      }
    }),
  );
});

test("each coordinate lies between the smallest and the largest that was sent", async () => {
  await fc.assert(
    fc.asyncProperty(rounds, async ({ honest, hostile, weights }) => {
      const all = [...honest, ...hostile];
      for (const rule of rules) {
        const { result } = await aggregateRobustly(rule, updatesOf(all, weights));
        for (const [index, value] of result.entries()) within(value, columnOf(all, index), rule.name);
      }
    }),
  );
});

test("whatever f of the devices send, median, trimmed mean and Bulyan stay within what honest ones sent", async () => {
  await fc.assert(
    fc.asyncProperty(rounds, async ({ honest, hostile }) => {
      for (const rule of [coordinateMedian, trimmedMean(byzantine / devices), bulyan(byzantine)]) {
        const { result } = await aggregateRobustly(rule, updatesOf([...honest, ...hostile]));
        for (const [index, value] of result.entries()) within(value, columnOf(honest, index), rule.name);
      }
    }),
  );
});

test("f devices that send something far away are rejected by Krum, Multi-Krum and the norm filter", async () => {
  const far = fc.constantFrom(-2_000, -500, 500, 2_000);
  await fc.assert(
    fc.asyncProperty(rounds, far, async ({ honest }, value) => {
      const length = honest[0]?.length ?? 0;
      // Honest updates that are not all next to nothing, as the norm filter needs.
      const base = honest.map((update) => update.map((one) => one + 3));
      const hostile = Array.from({ length: byzantine }, () => Array(length).fill(value));
      for (const rule of [krum(byzantine), multiKrum(byzantine), normFilter()]) {
        const { rejected } = await aggregateRobustly(rule, updatesOf([...base, ...hostile]));
        assert.ok(rejected.includes("d0009") && rejected.includes("d0010"), rule.name);
      }
    }),
  );
});

function columnOf(updates: readonly (readonly number[])[], index: number): number[] {
  return updates.map((update) => Math.fround(update[index] ?? 0));
}

function within(value: number, column: readonly number[], rule: string): void {
  const [low, high] = [Math.min(...column), Math.max(...column)];
  const slack = 1e-12 * Math.max(1, Math.abs(low), Math.abs(high));
  assert.ok(value >= low - slack && value <= high + slack, `${rule}: ${value} is not in ${low} to ${high}`);
}
