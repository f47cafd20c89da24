import assert from "node:assert/strict";
import { test } from "node:test";
import { lossRule } from "./losses.ts";
import { optimizerRule } from "./optimizers.ts";

test("a loss or an optimizer that there is not is refused with those there are", () => {
  for (const loss of ["cross_entropy", "toString", { name: "mse" }, {}, 3]) {
    assert.throws(() => Reflect.apply(lossRule, undefined, [loss]), {
      code: "invalid_argument",
      message: /^there is no loss "/,
      fix: /^use one of softmax-cross-entropy, binary-cross-entropy, /,
    });
  }
  for (const optimizer of ["Adam", { name: "lion" }]) {
    assert.throws(() => Reflect.apply(optimizerRule, undefined, [optimizer]), {
      code: "invalid_argument",
      message: /^there is no optimizer "/,
      fix: "use one of sgd, adam, adamw, rmsprop, adagrad",
    });
  }
});
