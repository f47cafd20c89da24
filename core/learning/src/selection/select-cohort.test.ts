import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import fc from "fast-check";
import { selectCohort } from "./select-cohort.ts";

const eligible = Array.from({ length: 20 }, (_, index) => `device-${index}`);

test("[AG7] the cohort depends on seed, round and the set of ids, not on their order", () => {
  const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(ids, fc.integer({ min: 1, max: 40 }), fc.nat(), fc.nat(), (drawn, cohort, seed, round) => {
      const chosen = selectCohort({ eligible: drawn, cohort, seed, round });
      assert.deepEqual(
        selectCohort({ eligible: drawn.toReversed(), cohort, seed: BigInt(seed), round }),
        chosen,
      );
      assert.equal(chosen.length, Math.min(cohort, drawn.length));
      assert.equal(new Set(chosen).size, chosen.length);
      assert.ok(chosen.every((id) => drawn.includes(id)));
      assert.deepEqual(chosen, chosen.toSorted());
    }),
  );
});

test("another seed or another round gives another cohort", () => {
  const chosen = selectCohort({ eligible, cohort: 10, seed: 1, round: 1 });
  assert.notDeepEqual(selectCohort({ eligible, cohort: 10, seed: 1, round: 2 }), chosen);
  assert.notDeepEqual(selectCohort({ eligible, cohort: 10, seed: 2, round: 1 }), chosen);
});

test("[AG7] over many rounds every device and every pair is chosen equally often", () => {
  const rounds = 2_000;
  const devices = new Map<string, number>();
  const pairs = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const chosen = selectCohort({ eligible, cohort: 5, seed: 42, round });
    for (const [index, id] of chosen.entries()) {
      devices.set(id, (devices.get(id) ?? 0) + 1);
      for (const other of chosen.slice(index + 1)) {
        pairs.set(`${id} ${other}`, (pairs.get(`${id} ${other}`) ?? 0) + 1);
      }
    }
  }
  assert.equal(devices.size, 20);
  assert.equal(pairs.size, 190);
  // 99.9th percentiles of chi-square with 19 and 189 degrees of freedom: 43.8 and 255.
  assert.ok(chiSquare(devices, (rounds * 5) / 20) < 43.8);
  assert.ok(chiSquare(pairs, (rounds * 10) / 190) < 255);
});

test("a cohort below 1 and an id given twice are refused", () => {
  for (const cohort of [0, -1, 1.5, Number.NaN]) {
    assert.throws(() => selectCohort({ eligible, cohort, seed: 1, round: 1 }), SelvedgeError);
  }
  assert.throws(() => selectCohort({ eligible: ["a", "a"], cohort: 1, seed: 1, round: 1 }), SelvedgeError);
});

function chiSquare(counts: ReadonlyMap<string, number>, expected: number): number {
  return [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
