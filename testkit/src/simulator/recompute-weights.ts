import type { RoundSummary } from "@selvedge/protocol";
import type { Participant } from "./fleet-plan.ts";
import { exampleCap, updateOf, weightOf } from "./simulated-job.ts";

/**
 * The weights that a completed round must have made of its base, from the
 * devices that are said to have contributed alone. Sums in integers of 2^-40, so it
 * shares no arithmetic with what it checks.
 */
export function recomputeMean(
  base: Float32Array,
  summary: RoundSummary,
  participants: readonly Participant[],
): Float32Array {
  const counted = countedIn(summary, participants);
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

/** The same where each value moves by the median of all updates' values. */
export function recomputeMedian(
  base: Float32Array,
  summary: RoundSummary,
  participants: readonly Participant[],
): Float32Array {
  const updates = countedIn(summary, participants).map((one) => updateOf(one, summary.number, base));
  return base.map((value, index) => {
    const moves = updates.map((update) => update[index] ?? 0).sort((a, b) => a - b);
    const middle = [moves[(moves.length - 1) >> 1] ?? 0, moves[moves.length >> 1] ?? 0] as const;
    return value + (middle[0] + middle[1]) / 2;
  });
}

function countedIn(summary: RoundSummary, participants: readonly Participant[]): readonly Participant[] {
  return participants.filter(({ id }) => summary.members[id]?.status === "contributed");
}

/** The nearest whole number of steps of 2^-40; halves go to the even one. */
function gridSteps(value: number): bigint {
  const steps = value * 2 ** 40;
  const floor = Math.floor(steps);
  const above = steps - floor;
  const roundUp = above > 0.5 || (above === 0.5 && floor % 2 !== 0);
  return BigInt(roundUp ? floor + 1 : floor);
}
