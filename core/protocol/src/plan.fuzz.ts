import type { FuzzTarget } from "@selvedge/testkit";
import { settledPlan, soundPlan } from "./plan.fixture.ts";
import { decodePlan, encodePlan } from "./plan.ts";

export const target: FuzzTarget = {
  name: "plan",
  examples: () => [encodePlan(soundPlan()), encodePlan(settledPlan())],
  decode: decodePlan,
};
