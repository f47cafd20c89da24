import { SelvedgeError } from "@selvedge/protocol";

/** @throws SelvedgeError `invalid_argument` naming the option */
export function checkedNumber(option: string, value: number, isSound: boolean, range: string): number {
  if (isSound && Number.isFinite(value)) return value;
  throw new SelvedgeError("invalid_argument", `${option} is ${value}; it is ${range}`, {
    at: `aggregator: ${option}`,
  });
}

/** @throws SelvedgeError `invalid_argument` naming the option */
export function checkedCount(option: string, value: number, minimum: number, maximum: number): number {
  const isSound = Number.isInteger(value) && value >= minimum && value <= maximum;
  return checkedNumber(option, value, isSound, `a whole number of ${minimum} to ${maximum}`);
}
