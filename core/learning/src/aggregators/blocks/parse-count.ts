import { limits, SelvedgeError } from "@selvedge/protocol";

/** @throws SelvedgeError `invalid_argument` unless `value` is one object of exactly one number of `values` */
export function parseCount(value: unknown, name: string): { readonly values: number } {
  const given = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const [field, values] = given[0] ?? [];
  const isCount = typeof values === "number" && Number.isInteger(values) && values >= 1;
  if (given.length === 1 && field === "values" && isCount && values <= limits.parametersMax)
    return { values };
  throw new SelvedgeError("invalid_argument", "a configuration is a number of values", {
    at: `${name} configuration`,
  });
}
