import { SelvedgeError } from "@selvedge/protocol";

/** @throws SelvedgeError `invalid_argument` unless 0 <= value < 1 */
export function share(name: string, value: number): void {
  if (value >= 0 && value < 1) return;
  throw new SelvedgeError("invalid_argument", `the optimizer's ${name} is ${value}`, {
    fix: `give a ${name} of at least 0 and below 1`,
  });
}
