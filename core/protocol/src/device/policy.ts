import type { TaskKind } from "../plan.ts";
import type { DeviceState, OfferFacts } from "./device-state.ts";
import { keptOf } from "./kept-states.ts";

/** The owner's own rules. The coordinator can neither read nor change them. */
export interface Policy {
  /** Key ids of operators whose plans may run here; none = nothing runs. */
  readonly signers: readonly string[];
  /** Plan digests that may run; null = any plan that a signer signed. */
  readonly plans: readonly string[] | null;
  /** What plans may have this device do. */
  readonly tasks: readonly TaskKind[];
  /** Fewest devices in a cohort. */
  readonly minimumCohort: number;
  /** Most examples that may be used in one round. */
  readonly maxExamplesPerDevice: number;
  /** Minutes of the local day, start inclusive, end exclusive; may wrap past midnight; null = always. */
  readonly hours: { readonly start: number; readonly end: number } | null;
  /** Whether plans may train by a loss that is an output of their own model. */
  readonly customLoss: boolean;
  /** Whether plans may ask for statistics of columns. */
  readonly statistics: boolean;
  /** Whether plans may ask for counts of classes or sums of targets, which tell what a device saw. */
  readonly classCounts: boolean;
  /** Most bytes that may leave in one day (UTC); null = no limit. */
  readonly maxBytesPerDay: number | null;
  /** Most jobs that something is kept for between their rounds. */
  readonly maxKeptJobs: number;
  /** Most bytes that may be kept for them. */
  readonly maxKeptBytes: number;
}

/** What the policy looks at beside the offer. */
export interface PolicyContext {
  /** Minutes since local midnight, 0 to 1,439. */
  readonly minuteOfDay: number;
  /** Days since the Unix epoch. */
  readonly day: number;
  readonly maxExamplesPerDevice: number;
  /** Whether the plan asks for counts of classes or sums of targets. */
  readonly classCounts: boolean;
}

/**
 * Why the owner's policy declines an offer, in words that name the rule, or
 * null when it allows it (SPEC OF3).
 */
export function matchPolicy(
  policy: Policy,
  offer: OfferFacts,
  state: DeviceState,
  context: PolicyContext,
): string | null {
  if (!policy.signers.includes(offer.signer)) {
    return `policy signers: ${offer.signer} is not among the ${policy.signers.length} allowed`;
  }
  if (policy.plans !== null && !policy.plans.includes(offer.planDigest)) {
    return `policy plans: ${offer.planDigest} is not approved`;
  }
  const { task = "train" } = offer;
  if (!policy.tasks.includes(task)) return `policy tasks: "${task}" is not among those allowed`;
  if (offer.cohort < policy.minimumCohort) {
    return `policy minimumCohort: ${offer.cohort} devices invited; at least ${policy.minimumCohort} wanted`;
  }
  if (context.maxExamplesPerDevice > policy.maxExamplesPerDevice) {
    return `policy maxExamplesPerDevice: the plan uses up to ${context.maxExamplesPerDevice}; at most ${policy.maxExamplesPerDevice} allowed`;
  }
  if (offer.customLoss === true && !policy.customLoss) {
    return "policy customLoss: the plan's loss is an output of its model; such a loss could copy an example into the update";
  }
  if (offer.kind === "statistics" && !policy.statistics) {
    return "policy statistics: none are given";
  }
  if (context.classCounts && !policy.classCounts) {
    return "policy classCounts: counts of classes and sums of targets are not given";
  }
  if (policy.hours !== null && !isWithin(policy.hours, context.minuteOfDay)) {
    return `policy hours: only ${clock(policy.hours.start)} to ${clock(policy.hours.end)}`;
  }
  return overKept(policy, offer, state) ?? overBudget(policy, offer, state, context);
}

/** What is kept for other jobs, or may be once they are trained, and what this one may keep. */
function overKept(policy: Policy, offer: OfferFacts, state: DeviceState): string | null {
  const more = offer.keptBytes ?? 0;
  if (more === 0) return null;
  const others = new Map(keptOf(state).map(({ job, body }) => [job, body.length]));
  for (const { offer: taken } of state.tasks) {
    if (taken.keptBytes !== undefined) others.set(taken.job, taken.keptBytes);
  }
  others.delete(offer.job);
  if (others.size >= policy.maxKeptJobs)
    return `policy maxKeptJobs: something is kept for ${others.size} other jobs; at most ${policy.maxKeptJobs} in all`;
  const bytes = [...others.values()].reduce((sum, each) => sum + each, 0);
  if (bytes + more <= policy.maxKeptBytes) return null;
  return `policy maxKeptBytes: ${bytes} bytes kept for other jobs, up to ${more} more would pass ${policy.maxKeptBytes}`;
}

function overBudget(
  policy: Policy,
  offer: OfferFacts,
  state: DeviceState,
  context: PolicyContext,
): string | null {
  if (policy.maxBytesPerDay === null) return null;
  const sent = state.sent.day === context.day ? state.sent.bytes : 0;
  // What is taken on and not sent yet will leave too.
  const promised = state.tasks
    .filter((task) => task.submittedAt === null)
    .reduce((sum, task) => sum + answerBytesOf(task.offer), 0);
  const more = answerBytesOf(offer);
  if (sent + promised + more <= policy.maxBytesPerDay) return null;
  return `policy maxBytesPerDay: ${sent} bytes sent today, ${promised} promised, ${more} more would pass ${policy.maxBytesPerDay}`;
}

function answerBytesOf({ answerBytes, base }: OfferFacts): number {
  return answerBytes ?? base.length;
}

function isWithin(hours: { readonly start: number; readonly end: number }, minute: number): boolean {
  const { start, end } = hours;
  return start <= end ? minute >= start && minute < end : minute >= start || minute < end;
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
