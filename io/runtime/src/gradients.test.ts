import { describe, test } from "node:test";
import { gradientChecks } from "@selvedge/onnx/gradient-checks";
import { assertGradients } from "./finite-differences.fixture.ts";

// Every gradient rule and every loss, on the runtime that will run them.
describe("gradients equal finite differences", () => {
  for (const check of gradientChecks()) test(check.name, () => assertGradients(check));
});
