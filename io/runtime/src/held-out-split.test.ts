import assert from "node:assert/strict";
import { test } from "node:test";
import { splitHeldOut } from "./held-out-split.ts";

test("[RE4] an example stays on its side of the split when the dataset grows", () => {
  const small = splitHeldOut(500, 0.2);
  const grown = splitHeldOut(2_000, 0.2);
  assert.deepEqual(
    grown.train.filter((index) => index < 500),
    small.train,
  );
  assert.deepEqual(
    grown.heldOut.filter((index) => index < 500),
    small.heldOut,
  );
});

test("a split is a partition in about the given proportion", () => {
  for (const fraction of [0, 0.1, 0.5, 0.9]) {
    const { train, heldOut } = splitHeldOut(10_000, fraction);
    assert.deepEqual(
      [...train, ...heldOut].sort((a, b) => a - b),
      [...Array(10_000).keys()],
    );
    assert.ok(Math.abs(heldOut.length - fraction * 10_000) < 200, `${heldOut.length} of ${fraction}`);
  }
});
