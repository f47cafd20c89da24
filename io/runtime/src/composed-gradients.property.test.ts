import { test } from "node:test";
import { composedCase, type Step } from "@selvedge/onnx/composed-graph.fixture";
import { scanCheck } from "@selvedge/onnx/gradient-checks";
import fc from "fast-check";
import { assertGradients } from "./finite-differences.fixture.ts";

const number = fc.nat(1_000);
const step: fc.Arbitrary<Step> = fc.tuple(number, number, number, number);
const steps = fc.array(step, { minLength: 1, maxLength: 8 });

test("gradients of operators put together by chance equal finite differences", async () => {
  const property = fc.asyncProperty(steps, fc.boolean(), async (steps, isBatch) => {
    await assertGradients(scanCheck({ ...composedCase(steps), isBatch }));
  });
  await fc.assert(property, { numRuns: 100, seed: 1 });
});
