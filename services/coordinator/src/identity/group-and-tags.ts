import { limits, namePattern, SelvedgeError } from "@selvedge/protocol";

/**
 * @param group - empty = none.
 * @throws SelvedgeError `invalid_argument`.
 */
export function checkGroupAndTags(group: string, tags: readonly string[]): void {
  if (group !== "") checkName("group", group);
  for (const tag of tags) checkName("tag", tag);
  if (tags.length <= limits.tagsMax) return;
  throw new SelvedgeError("invalid_argument", `${tags.length} tags`, {
    at: "tags",
    fix: `give at most ${limits.tagsMax}`,
  });
}

/** Each once, in order. */
export function uniqueTags(tags: readonly string[]): readonly string[] {
  return [...new Set(tags)].sort();
}

/** @throws SelvedgeError `invalid_argument` naming the field. */
export function checkName(field: string, name: string): void {
  if (namePattern.test(name)) return;
  throw new SelvedgeError("invalid_argument", `not a name: "${name.slice(0, 80)}"`, {
    at: field,
    fix: "use lower-case letters, digits, dots, hyphens and underscores, at most 64",
  });
}
