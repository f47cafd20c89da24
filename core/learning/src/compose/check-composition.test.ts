import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePlan, encodePlan, SelvedgeError } from "@selvedge/protocol";
import { trainingPlan } from "@selvedge/testkit";
import { checkComposition, clashesAmong } from "./check-composition.ts";
import { choices, choicesOf } from "./choices.ts";
import { exclusions } from "./exclusions.ts";

const feddyn = { algorithm: "feddyn", population: 2, alpha: 0.1 };

test("[OF10] a plan whose choices go together is taken", () => {
  const plan = checked({ training: feddyn });
  assert.deepEqual(choicesOf(plan), [
    "algorithm: feddyn",
    "aggregator: mean",
    "server: fedavg",
    "selection: uniform",
  ]);
  checkComposition(plan);
});

test("[OF10] choices that do not go together are refused with both, the reason and a way out", () => {
  assert.throws(
    () => checkComposition(checked({ training: feddyn, server: { name: "fedadam" } })),
    (error) =>
      error instanceof SelvedgeError &&
      error.code === "invalid_argument" &&
      error.message.includes('"algorithm: feddyn" does not go with "server: fedadam", because') &&
      (error.fix ?? "") !== "",
  );
});

test("every excluded pair clashes, whichever of the two comes first, and stands in the table once", () => {
  const seen = new Set<string>();
  for (const { these, those, reason } of exclusions) {
    for (const [one, other] of these.flatMap((one) => those.map((other) => [one, other] as const))) {
      assert.deepEqual(
        [clashesAmong([one, other]), clashesAmong([other, one])].map((clashes) => clashes[0]?.reason),
        [reason, reason],
      );
      assert.ok(!seen.has([one, other].sort().join()), `${one} and ${other} stand in the table twice`);
      seen.add([one, other].sort().join());
    }
  }
});

test("a choice alone, or twice, clashes with nothing", () => {
  for (const choice of choices) assert.deepEqual(clashesAmong([choice, choice]), []);
});

function checked(changes: Parameters<typeof trainingPlan>[0]): ReturnType<typeof decodePlan> {
  return decodePlan(encodePlan(trainingPlan(changes)));
}
