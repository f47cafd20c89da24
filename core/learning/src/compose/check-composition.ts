import { type CheckedPlan, SelvedgeError } from "@selvedge/protocol";
import { type Choice, choicesOf } from "./choices.ts";
import { type Exclusion, exclusions } from "./exclusions.ts";

/** Two choices that do not go together, and why. */
export interface Clash extends Pick<Exclusion, "reason" | "fix"> {
  readonly one: Choice;
  readonly other: Choice;
}

/**
 * Refuses a job that chooses what does not go together (SPEC OF10).
 *
 * @throws SelvedgeError `invalid_argument` with both choices, the reason and a way out
 */
export function checkComposition(plan: CheckedPlan): void {
  const [clash] = clashesAmong(choicesOf(plan));
  if (clash === undefined) return;
  const { one, other, reason, fix } = clash;
  throw new SelvedgeError("invalid_argument", `"${one}" does not go with "${other}", because ${reason}`, {
    at: "plan",
    fix,
  });
}

/** Every pair of these choices that the table excludes. */
export function clashesAmong(chosen: readonly Choice[]): Clash[] {
  const among = (list: readonly Choice[]): Choice[] => list.filter((choice) => chosen.includes(choice));
  return exclusions.flatMap(({ these, those, reason, fix }) =>
    among(these).flatMap((one) => among(those).map((other) => ({ one, other, reason, fix }))),
  );
}
