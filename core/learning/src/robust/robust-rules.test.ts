import assert from "node:assert/strict";
import { test } from "node:test";
import { robustRuleNames, SelvedgeError } from "@selvedge/protocol";
import { aggregateRobustly } from "./aggregate-robustly.ts";
import { blockValues } from "./blocks.ts";
import { bulyan } from "./bulyan.ts";
import { coordinateMedian } from "./coordinate-median.ts";
import { geometricMedian } from "./geometric-median.ts";
import { krum, multiKrum } from "./krum.ts";
import { normFilter } from "./norm-filter.ts";
import { robustRuleNamed } from "./robust-catalog.ts";
import type { RobustRule, StoredUpdates } from "./robust-rule.ts";
import { trimmedMean } from "./trimmed-mean.ts";
import { updatesOf } from "./updates.fixture.ts";

// Four that agree, and one that does not; d0004 is the hostile one.
const nearby = [
  [1, 10],
  [2, 20],
  [3, 30],
  [4, 40],
  [-100, 900],
];

test("the median of each coordinate, of an odd and an even number", async () => {
  assert.deepEqual(await resultOf(coordinateMedian, updatesOf(nearby)), [2, 30]);
  assert.deepEqual(await resultOf(coordinateMedian, updatesOf(nearby.slice(0, 4))), [2.5, 25]);
});

test("the trimmed mean leaves out the largest and the smallest of each coordinate", async () => {
  const { result, measurements } = await aggregateRobustly(trimmedMean(0.2), updatesOf(nearby));
  assert.deepEqual([[...result], measurements], [[2, 30], { trimmed: 1 }]);
  assert.equal((await aggregateRobustly(trimmedMean(0.29), ones(100))).measurements.trimmed, 29);
});

test("Krum takes one update, the nearest to its nearest others", async () => {
  // n = 5, f = 1: two neighbours. Squared distances along a line in tens of sqrt(101), in units of 101:
  // d0000: 1 + 4 = 5, d0001: 1 + 1 = 2, d0002: 1 + 1 = 2, d0003: 1 + 4 = 5. The earlier of equals.
  const { result, rejected } = await aggregateRobustly(krum(1), updatesOf(nearby));
  assert.deepEqual([...result], [2, 20]);
  assert.deepEqual(rejected, ["d0000", "d0002", "d0003", "d0004"]);
});

test("Multi-Krum averages those it likes best, all but f unless told", async () => {
  const all = await aggregateRobustly(multiKrum(1), updatesOf(nearby));
  assert.deepEqual([[...all.result], all.rejected], [[2.5, 25], ["d0004"]]);
  const two = await aggregateRobustly(multiKrum(1, 2), updatesOf(nearby));
  assert.deepEqual(
    [[...two.result], two.rejected],
    [
      [2.5, 25],
      ["d0000", "d0003", "d0004"],
    ],
  );
});

test("Bulyan averages what is nearest to the median of those that Krum chose", async () => {
  // n = 7, f = 1: five are chosen, and of these three of each coordinate.
  const { result, rejected, measurements } = await aggregateRobustly(
    bulyan(1),
    updatesOf([[0], [1], [2], [4], [5], [6], [1000]]),
  );
  // Scores of the best, with 4, 3, 2, 1 and 1 neighbours: 2: 4 + 1 + 4 + 9, 4: 1 + 4 + 9, 1: 1 + 16,
  // 5: 1, 0: 36. The median of 0, 1, 2, 4 and 5 is 2; of 0 and 4, as near as each other, 0 stays.
  assert.deepEqual(measurements, { selected: 5, averaged: 3 });
  assert.deepEqual(rejected, ["d0005", "d0006"]);
  assert.deepEqual([...result], [1]);
});

test("the geometric median of points on a line goes to the middle one, by weight", async () => {
  const rule = geometricMedian(100);
  assert.ok(Math.abs(((await resultOf(rule, updatesOf([[0], [1], [50]])))[0] ?? 0) - 1) < 1e-3);
  assert.ok(Math.abs(((await resultOf(rule, updatesOf([[0], [1], [50]], [5, 1, 1])))[0] ?? 1) - 0) < 1e-3);
});

test("one step of Weiszfeld weights each by one over its distance from the mean", async () => {
  // The mean of 0, 2 and 10 is 4; distances 4, 2, 6; weights 3 : 6 : 2 of 11.
  const [value = 0] = await resultOf(geometricMedian(1), updatesOf([[0], [2], [10]]));
  assert.ok(Math.abs(value - (2 * 6 + 10 * 2) / 11) < 1e-12);
});

test("the norm filter averages, by examples, what is not too long", async () => {
  const updates = updatesOf(
    [
      [3, 4],
      [0, 5],
      [5, 0],
      [15, 0],
      [9, 12.5],
    ],
    [1, 2, 1, 4, 9],
  );
  const { result, rejected, measurements } = await aggregateRobustly(normFilter(3), updates);
  assert.deepEqual(rejected, ["d0004"]);
  assert.deepEqual([...result], [(3 + 5 + 60) / 8, (4 + 10) / 8]);
  assert.deepEqual(measurements, { selected: 4, medianNorm: 5 });
});

test("[RA2] too few for what a rule is to withstand are refused, with both numbers", async () => {
  const fewest: readonly [RobustRule, number][] = [
    [coordinateMedian, 3],
    [trimmedMean(0.2), 5],
    [krum(2), 7],
    [multiKrum(2), 7],
    [multiKrum(2, 8), 10],
    [bulyan(2), 11],
    [geometricMedian(), 3],
    [normFilter(), 3],
  ];
  for (const [rule, minimum] of fewest) {
    assert.equal(rule.minimum, minimum, rule.name);
    await aggregateRobustly(rule, ones(minimum));
    await assert.rejects(
      aggregateRobustly(rule, ones(minimum - 1)),
      (error) =>
        error instanceof SelvedgeError &&
        error.code === "failed_precondition" &&
        error.message.includes(`needs ${minimum} contributions, there are ${minimum - 1}`),
    );
  }
});

test("more devices than distances are held of are refused", async () => {
  for (const rule of [krum(1), multiKrum(1), bulyan(1)]) {
    await assert.rejects(aggregateRobustly(rule, ones(1_001)), /at most 1000 contributions, there are 1001/);
  }
});

test("a device is counted once", async () => {
  const updates = updatesOf([[1], [2], [3]], [1, 1, 1], ["a", "b", "a"]);
  await assert.rejects(aggregateRobustly(coordinateMedian, updates), /"a" is counted twice/);
});

test("each rule is in the catalog under its name, and takes its own options only", () => {
  const options = { "trimmed-mean": { trim: 0.1 }, krum: one(), "multi-krum": one(), bulyan: one() };
  for (const name of robustRuleNames) {
    assert.equal(robustRuleNamed(name, new Map(Object.entries(options)).get(name) ?? {}).name, name);
  }
  const wrong: readonly [string, object, RegExp][] = [
    ["mean", {}, /no robust rule "mean"/],
    ["median", { trim: 0.1 }, /robust.trim: "median" does not have it/],
    ["trimmed-mean", {}, /robust.trim: "trimmed-mean" needs it/],
    ["trimmed-mean", { trim: 0.5 }, /0.5 is not 0.0001 to 0.4999/],
    ["krum", { byzantine: 1.5 }, /1.5 is not a whole number of 0 to 499/],
    ["multi-krum", { byzantine: 1, selected: 0 }, /robust.selected: 0 is not/],
    ["bulyan", { byzantine: -1 }, /robust.byzantine: -1 is not/],
    ["geometric-median", { iterations: 0 }, /robust.iterations: 0 is not/],
    ["geometric-median", { smoothing: 0 }, /robust.smoothing: 0 is not/],
    ["norm-filter", { multiple: Number.NaN }, /robust.multiple: NaN is not/],
  ];
  for (const [name, given, pattern] of wrong) assert.throws(() => robustRuleNamed(name, given), pattern);
});

test("[RA5] of 200 updates of a large model only so many values are in memory at once", async () => {
  const parameters = 30_000;
  for (const rule of [coordinateMedian, krum(20), geometricMedian(1), normFilter(), bulyan(20)]) {
    const memory = new Set<ArrayBufferLike>();
    const { contributions } = ones(200);
    await aggregateRobustly(rule, {
      contributions,
      parameters,
      async read(device, offset, into) {
        memory.add(into.buffer);
        into.fill(Number(device.slice(1)) + offset / parameters);
      },
      async pause() {},
    });
    for (const { byteLength } of memory) assert.ok(byteLength <= blockValues * 4, rule.name);
    // One for each pass, one after the other.
    assert.ok(memory.size <= 2, rule.name);
  }
});

async function resultOf(rule: RobustRule, updates: StoredUpdates): Promise<number[]> {
  return [...(await aggregateRobustly(rule, updates)).result];
}

function ones(devices: number): StoredUpdates {
  return updatesOf(Array.from({ length: devices }, () => [1]));
}

function one(): { readonly byzantine: number } {
  return { byzantine: 1 };
}
