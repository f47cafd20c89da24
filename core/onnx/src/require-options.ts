import { SelvedgeError } from "@selvedge/protocol";

/** The options of a type, all of them: one that is added to the type must be added to its list. */
export type OptionNames<Options> = { readonly [Name in keyof Options]-?: true };

/**
 * Types keep an unknown option out where they are checked; Node strips them unread, and a
 * misspelt option would be as if it were not there.
 *
 * @param what the options are of
 * @throws SelvedgeError `invalid_argument` for an option that is not among the names
 */
export function requireOptions(what: string, options: object, names: object): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return;
  throw new SelvedgeError("invalid_argument", `${what} has no option "${unknown.slice(0, 80)}"`, {
    fix: `it has ${Object.keys(names).join(", ") || "none"}`,
  });
}
