import assert from "node:assert/strict";
import { test } from "node:test";
import { tellTargets } from "./planned-metrics.ts";

test("[OF3] counts of classes, of two as of many, and sums of targets tell what a device saw; other scalars do not", () => {
  for (const name of [
    "eval_false_negatives",
    "eval_true_positives_0",
    "eval_target_sum",
    "eval_target_squares",
  ])
    assert.ok(tellTargets(["eval_loss", name]), name);
  assert.equal(
    tellTargets(["eval_loss", "eval_accuracy", "eval_top_5_correct", "eval_squared_error"]),
    false,
  );
});
