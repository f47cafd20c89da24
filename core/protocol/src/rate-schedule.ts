import { SelvedgeError } from "./errors.ts";
import type { LearningRateSchedule } from "./gen/selvedge/v1/round_pb.js";

export type PlannedDecay = "constant" | "step" | "cosine" | "linear";

/** What a learning rate does after its warm-up, and which fields that has. */
const decays: { readonly [Name in PlannedDecay]: readonly ("everyRounds" | "factor" | "finalFactor")[] } = {
  constant: [],
  step: ["everyRounds", "factor"],
  cosine: ["finalFactor"],
  linear: ["finalFactor"],
};

/**
 * Checks how a plan's learning rate goes through its rounds.
 *
 * @throws SelvedgeError `invalid_argument` naming the field
 */
export function checkRateSchedule(schedule: LearningRateSchedule | undefined, rounds: number): void {
  if (schedule === undefined) return;
  const { decay, warmupRounds, everyRounds, factor, finalFactor } = schedule;
  if (!isDecay(decay)) {
    throw invalid("decay", `"${decay.slice(0, 64)}" is not one of: ${Object.keys(decays).join(", ")}`);
  }
  if (warmupRounds >= rounds) throw invalid("warmup_rounds", `${warmupRounds} of ${rounds} rounds in all`);
  const own = decays[decay];
  for (const [name, field] of Object.entries({
    everyRounds: "every_rounds",
    factor: "factor",
    finalFactor: "final_factor",
  })) {
    const isSet = schedule[name as "factor"] !== 0;
    if (isSet && !own.includes(name as "factor")) throw invalid(field, `"${decay}" has none`);
  }
  if (decay === "step" && everyRounds < 1) throw invalid("every_rounds", "1 or more are needed");
  if (decay === "step" && !(factor > 0 && factor <= 1))
    throw invalid("factor", `${factor} is not above 0 and at most 1`);
  if (!(finalFactor >= 0 && finalFactor <= 1))
    throw invalid("final_factor", `${finalFactor} is outside 0 to 1`);
}

function isDecay(name: string): name is PlannedDecay {
  return Object.hasOwn(decays, name);
}

function invalid(field: string, problem: string): SelvedgeError {
  const at = `task.schedule.${field}`;
  return new SelvedgeError("invalid_argument", `the plan's ${at}: ${problem}`, { at: `plan.${at}` });
}
