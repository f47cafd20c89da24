import assert from "node:assert/strict";
import { test } from "node:test";
import { shareParameters } from "@selvedge/onnx";
import { floats, modelOf, node, value } from "@selvedge/onnx/models.fixture";
import { decodePlan, digestOf, encodePlan } from "@selvedge/protocol";
import { checkStatistics } from "./check-statistics.ts";
import { smallPlan } from "./plan.fixture.ts";

test("[CS8] feddyn and fednova do not learn statistics of a BatchNormalization that devices share; plain averaging does", () => {
  const model = modelOf({
    inputs: [value("x", ["batch", 2])],
    nodes: [node("BatchNormalization", ["x", "scale", "bias", "mean", "variance"], "y")],
    initializers: ["scale", "bias", "mean", "variance"].map((name) => floats(name, [2], [1, 1])),
  });
  const plan = decodePlan(encodePlan(smallPlan(digestOf(Buffer.from("model")), 1, 1, 2)));
  const feddyn = { ...plan, train: { ...plan.train, algorithm: "feddyn", population: 2, alpha: 0.1 } };
  const of = (patterns: readonly string[]) => shareParameters(model, patterns).shared;
  assert.throws(() => checkStatistics(feddyn, model, of([])), {
    code: "invalid_argument",
    message: /"mean"/,
  });
  assert.throws(() => checkStatistics(feddyn, model, of(["mean"])), { message: /"variance"/ });
  checkStatistics(feddyn, model, of(["mean", "variance"]));
  const fednova = { ...plan, train: { ...plan.train, algorithm: "fednova" } };
  assert.throws(() => checkStatistics(fednova, model, of([])), { message: /fednova.*"mean"/ });
  checkStatistics(plan, model, of([]));
});
