import type { AggregatorSpec, RobustOptions, ScheduleSpec } from "./gen/selvedge/v1/round_pb.js";
import { invalidPlan as invalid } from "./plan-checks.ts";

/** Rules that combine all updates of a round at once, and withstand hostile ones. */
export type RobustRuleName =
  | "median"
  | "trimmed-mean"
  | "krum"
  | "multi-krum"
  | "bulyan"
  | "geometric-median"
  | "norm-filter";

export type RobustOption = Exclude<keyof RobustOptions, `$${string}`>;

/** What is given of the options. */
export type RobustSettings = { readonly [Option in RobustOption]?: number | undefined };

interface RobustTraits {
  readonly options: readonly RobustOption[];
  /** Of `options`, those that have no default. */
  readonly required: readonly RobustOption[];
  /** Contributions without which it withstands nothing, of options that were checked. */
  fewest(settings: RobustSettings): number;
  /** Contributions whose distances from each other it can hold; not set: any number. */
  readonly most?: number;
}

/** A distance for each pair: 8 MB of them. */
const pairedMax = 1_000;

const rules: { readonly [Name in RobustRuleName]: RobustTraits } = {
  // Of one or two it is their mean, which either can move at will.
  median: { options: [], required: [], fewest: () => 3 },
  // Of fewer it trims nothing. The rest is for fractions such as 0.29, which binary ones are not.
  "trimmed-mean": {
    options: ["trim"],
    required: ["trim"],
    fewest: ({ trim = 0 }) => Math.ceil(1 / trim - 1e-9),
  },
  krum: { options: ["byzantine"], required: ["byzantine"], fewest: krumFewest, most: pairedMax },
  "multi-krum": {
    options: ["byzantine", "selected"],
    required: ["byzantine"],
    // Among more than all but f there may be a hostile one.
    fewest: (settings) =>
      Math.max(krumFewest(settings), (settings.selected ?? 0) + (settings.byzantine ?? 0)),
    most: pairedMax,
  },
  bulyan: {
    options: ["byzantine"],
    required: ["byzantine"],
    fewest: ({ byzantine = 0 }) => 4 * byzantine + 3,
    most: pairedMax,
  },
  // Of two, any point between them is one.
  "geometric-median": { options: ["iterations", "smoothing"], required: [], fewest: () => 3 },
  // Of two, neither is beyond twice their median.
  "norm-filter": { options: ["multiple"], required: [], fewest: () => 3 },
};

export const robustRuleNames: readonly RobustRuleName[] = Object.keys(rules) as RobustRuleName[];

/** Of each option, the lowest and the highest value, and whether it counts something. */
export const robustRanges: Readonly<
  Record<RobustOption, { readonly low: number; readonly high: number; readonly counts: boolean }>
> = {
  trim: { low: 1e-4, high: 0.4999, counts: false },
  byzantine: { low: 0, high: 499, counts: true },
  selected: { low: 1, high: pairedMax, counts: true },
  iterations: { low: 1, high: 100, counts: true },
  smoothing: { low: 1e-30, high: 1e6, counts: false },
  multiple: { low: 1, high: 1e6, counts: false },
};

export function isRobust(name: string): name is RobustRuleName {
  return Object.hasOwn(rules, name);
}

/** How many contributions a rule needs, and how many it takes at most, of settings that were checked. */
export function contributionsFor(
  name: RobustRuleName,
  settings: RobustSettings,
): { readonly minimum: number; readonly maximum: number } {
  const { fewest, most = Number.POSITIVE_INFINITY } = rules[name];
  return { minimum: fewest(settings), maximum: most };
}

/** @throws SelvedgeError `invalid_argument` naming the plan's field, for an option that is missing, not the rule's, or out of range */
export function checkRobustSettings(name: RobustRuleName, settings: RobustSettings): void {
  const { options, required } = rules[name];
  for (const option of Object.keys(robustRanges) as RobustOption[]) {
    const value = settings[option];
    const field = `aggregator.robust.${option}`;
    if (value === undefined) {
      if (required.includes(option)) throw invalid(field, `"${name}" needs it`);
      continue;
    }
    if (!options.includes(option)) throw invalid(field, `"${name}" does not have it`);
    const { low, high, counts } = robustRanges[option];
    if (!(value >= low && value <= high && (!counts || Number.isInteger(value)))) {
      throw invalid(field, `${value} is not ${counts ? "a whole number of " : ""}${low} to ${high}`);
    }
  }
}

/**
 * Checks a plan's robust rule, and that every round with a quorum has as many contributions as it needs.
 *
 * @throws SelvedgeError `invalid_argument` naming the field
 */
export function checkRobust({ name, robust }: AggregatorSpec, schedule: ScheduleSpec | undefined): void {
  if (!isRobust(name)) {
    if (robust !== undefined) throw invalid("aggregator.robust", `"${name.slice(0, 64)}" does not have it`);
    return;
  }
  checkRobustSettings(name, robust ?? {});
  const { minimum, maximum } = contributionsFor(name, robust ?? {});
  const { quorum = 0, cohort = 0 } = schedule ?? {};
  if (quorum < minimum) {
    throw invalid(
      "schedule.quorum",
      `${name} with these options needs ${minimum} contributions, not ${quorum}`,
    );
  }
  if (cohort > maximum) throw invalid("schedule.cohort", `${name} takes at most ${maximum}, not ${cohort}`);
}

function krumFewest({ byzantine = 0 }: RobustSettings): number {
  return 2 * byzantine + 3;
}
