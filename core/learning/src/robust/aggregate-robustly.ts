import { SelvedgeError } from "@selvedge/protocol";
import type { RobustAggregate, RobustRule, StoredUpdates } from "./robust-rule.ts";

/**
 * One vector for all updates of a round.
 *
 * @throws SelvedgeError `failed_precondition` for fewer or more updates than the rule takes, `conflict` for
 *   a device that is there twice
 */
export async function aggregateRobustly(rule: RobustRule, updates: StoredUpdates): Promise<RobustAggregate> {
  const contributions = updates.contributions.toSorted((a, b) => (a.device < b.device ? -1 : 1));
  const twice = contributions.find(({ device }, index) => device === contributions[index + 1]?.device);
  if (twice !== undefined) {
    throw new SelvedgeError("conflict", `device "${twice.device}" is counted twice`, { at: rule.name });
  }
  const { name, minimum, maximum } = rule;
  const isFew = contributions.length < minimum;
  if (isFew || contributions.length > maximum) {
    throw new SelvedgeError(
      "failed_precondition",
      `${name} needs ${isFew ? minimum : `at most ${maximum}`} contributions, there are ${contributions.length}`,
      { at: name },
    );
  }
  return rule.combine({ ...updates, contributions });
}
