import assert from "node:assert/strict";
import { test } from "node:test";
import { attackersAmong, checkBehaviour, partialEpochs, stragglersOf } from "./behaviour.ts";

const cohort = Array.from({ length: 10 }, (_, index) => `client-${index}`);

test("[SL4] stragglers are a share of the cohort, the same ones in whatever order it comes", () => {
  const stragglers = stragglersOf(cohort, 0.9, 1n, 3);
  assert.equal(stragglers.size, 9);
  assert.deepEqual(stragglersOf(cohort.toReversed(), 0.9, 1n, 3), stragglers);
  assert.equal(stragglersOf(cohort, 0, 1n, 3).size, 0);
});

test("[SL4] a straggler does at least one epoch, and at least one fewer than all", () => {
  const done = new Set(Array.from({ length: 500 }, (_, round) => partialEpochs(5, 1n, round, "client-1")));
  assert.deepEqual([...done].sort(), [1, 2, 3, 4]);
});

test("[SL4] attackers are always the same ones", () => {
  const attack = { share: 0.2, factor: -1 };
  assert.equal(attackersAmong(cohort, attack, 1n).size, 2);
  assert.deepEqual(attackersAmong(cohort, attack, 1n), attackersAmong(cohort.toReversed(), attack, 1n));
});

test("who has one epoch to do cannot do a part of them", () => {
  const behaviour = { stragglers: 0.5, dropsStragglers: false, attack: null };
  assert.throws(() => checkBehaviour(behaviour, 1), { code: "invalid_argument" });
  checkBehaviour(behaviour, 2);
  checkBehaviour({ ...behaviour, dropsStragglers: true }, 1);
});
