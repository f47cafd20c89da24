import assert from "node:assert/strict";
import { test } from "node:test";
import { brokenPromises, type DemoResult, median } from "./demo-result.ts";

test("the median is the middle, or between the two middle ones", () => {
  assert.deepEqual([median([0.3]), median([3, 1, 2]), median([4, 1, 3, 2])], [3 / 10, 2, 2.5]);
});

test("a result names each promise it breaks", () => {
  assert.deepEqual(brokenPromises(result), []);
  assert.match(brokenPromises({ ...result, federatedAccuracy: 0.9499 }).join(), /0\.9499, below 0\.95$/);
  assert.match(brokenPromises({ ...result, medianLoneAccuracy: 0.85 }).join(), /less than 0\.15$/);
  const inference = { url: "http://a", predicted: 1, expected: 7 };
  assert.deepEqual(brokenPromises({ ...result, inference }), ["the model takes a 7 for a 1"]);
});

const result: DemoResult = {
  federatedAccuracy: 0.96,
  medianLoneAccuracy: 0.65,
  bestLoneAccuracy: 0.82,
  devices: 10,
  rounds: 15,
  bytesUp: 1,
  bytesDown: 1,
  seconds: 60,
  model: { name: "digits", version: 1, digest: "sha256:0" },
  inference: { url: "http://a", predicted: 7, expected: 7 },
};
