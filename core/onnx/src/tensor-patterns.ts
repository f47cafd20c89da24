import { SelvedgeError } from "@selvedge/protocol";

/**
 * The names that one of the patterns stands for; in a pattern `*` is any text,
 * everything else is itself.
 *
 * @throws SelvedgeError `invalid_argument` for a pattern that no name is like
 */
export function matchingNames(names: readonly string[], patterns: readonly string[]): ReadonlySet<string> {
  const matching = patterns.map((pattern) => ({
    pattern,
    found: names.filter((name) => isMatch(name, pattern)),
  }));
  const vain = matching.find(({ found }) => found.length === 0);
  if (vain === undefined) return new Set(matching.flatMap(({ found }) => found));
  throw new SelvedgeError("invalid_argument", `no parameter is named like "${vain.pattern}"`, {
    fix: `the model's are ${names.slice(0, shownMax).join(", ")}${names.length > shownMax ? ", …" : ""}`,
  });
}

/** Each part between stars is taken where it first comes, which is enough, and takes no longer the more stars there are. */
function isMatch(name: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

const shownMax = 12;
