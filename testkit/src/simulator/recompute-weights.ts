import type { RoundSummary } from "@selvedge/protocol";
import type { Participant } from "./fleet-plan.ts";
import { exampleCap, updateOf, weightOf } from "./simulated-job.ts";

/**
 * The weights that a completed round must have made of its base, from the
 * devices that are said to have contributed alone. Sums in integers of 2^-40, so it
 * shares no arithmetic with what it checks.
 */
export function recomputeRound(
  base: Float32Array,
  summary: RoundSummary,
  participants: readonly Participant[],
): Float32Array {
  const counted = participants.filter(({ id }) => summary.members[id]?.status === "contributed");
  const normaliser = Object.keys(summary.members).length * exampleCap;
  const sums = Array.from(base, () => 0n);
  for (const participant of counted) {
    const scale = weightOf(participant) / normaliser;
    updateOf(participant, summary.number, base).forEach((value, index) => {
      sums[index] = (sums[index] ?? 0n) + gridSteps(value * scale);
    });
  }
  const weight = counted.reduce((sum, participant) => sum + weightOf(participant), 0);
  const factor = normaliser / weight;
  return base.map((value, index) => value + Number(sums[index]) * 2 ** -40 * factor);
}

/** The nearest whole number of steps of 2^-40; halves go to the even one. */
function gridSteps(value: number): bigint {
  const steps = value * 2 ** 40;
  const floor = Math.floor(steps);
  const above = steps - floor;
  const roundUp = above > 0.5 || (above === 0.5 && floor % 2 !== 0);
  return BigInt(roundUp ? floor + 1 : floor);
}
