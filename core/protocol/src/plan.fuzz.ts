import type { FuzzTarget } from "@selvedge/testkit";
import { soundPlan } from "./plan.fixture.ts";
import { decodePlan, encodePlan } from "./plan.ts";

export const target: FuzzTarget = {
  name: "plan",
  examples: () => [encodePlan(soundPlan())],
  decode: decodePlan,
};
