import assert from "node:assert/strict";
import { test } from "node:test";
import { isSameLayout } from "./same-layout.ts";

test("dimensions of one and flattening change no order; other dimensions do", () => {
  for (const same of [[28, 28], [1, 28, 28], [28, 28, 1], [784], [1, 784]]) {
    assert.ok(isSameLayout([28, 28], same), `${same}`);
  }
  for (const other of [[28, 27], [14, 56], [783], [28, 28, 2]]) {
    assert.ok(!isSameLayout([28, 28], other), `${other}`);
  }
  assert.ok(!isSameLayout([3, 32, 32], [32, 32, 3]));
  assert.ok(isSameLayout([3, 32, 32], [3072]));
  assert.ok(isSameLayout([1], [1, 1]));
});
