import { SelvedgeError } from "@selvedge/protocol";

/**
 * Types keep a wrong name out where they are checked; Node strips them unread.
 *
 * @throws SelvedgeError `invalid_argument` for a name that the table does not have
 */
export function requireName(what: string, name: unknown, table: object): void {
  if (typeof name === "string" && Object.hasOwn(table, name)) return;
  const given = String(name).slice(0, 80);
  throw new SelvedgeError("invalid_argument", `there is no ${what} "${given}"`, {
    fix: `use one of ${Object.keys(table).join(", ")}`,
  });
}
