import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { nameBits, readBits } from "./answered-bits.ts";
import { flatMeasurements } from "./flat-measurements.ts";

const aggregator = { bits: ["zeroing.zeroed", "clipping.within"] };

test("[AG11] bits are read by the names under which they were sent, in any order", () => {
  const answers = nameBits(aggregator, [true, false]);
  assert.deepEqual(answers, { "zeroing.zeroed": true, "clipping.within": false });
  assert.deepEqual(readBits(aggregator, { "clipping.within": false, "zeroing.zeroed": true }), [true, false]);
});

test("[AG11] a question without an answer, or an answer without a question, is refused", () => {
  for (const answers of [
    {},
    { "zeroing.zeroed": true },
    { ...nameBits(aggregator, [true, true]), "hidden.channel": true },
    { "clipping.within,zeroing.zeroed": true },
  ]) {
    assert.throws(() => readBits(aggregator, answers), SelvedgeError);
  }
  assert.throws(() => readBits({ bits: [] }, { any: true }), /asks for none/);
});

test("measurements are named after the block that they are of, whatever it is nested in", () => {
  const nested = { bound: 21, zeroed: 1, clipping: { bound: 2, sum: { weight: 3, contributors: 3 } } };
  assert.deepEqual(flatMeasurements("zeroing", nested), {
    "zeroing.bound": 21,
    "zeroing.zeroed": 1,
    "clipping.bound": 2,
    "sum.weight": 3,
    "sum.contributors": 3,
  });
});
