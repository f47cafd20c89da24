import { byteSizeForm, durationForm, parseByteSize, parseDuration } from "@selvedge/config";
import { InvalidArgumentError } from "commander";

/** Milliseconds. */
export function durationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError(`It must be ${durationForm}.`);
  return ms;
}

/** Bytes. */
export function byteSizeOption(text: string): number {
  const bytes = parseByteSize(text);
  if (bytes === undefined) throw new InvalidArgumentError(`It must be ${byteSizeForm}.`);
  return bytes;
}

/** 0 to 65535. */
export function portOption(text: string): number {
  const port = wholeNumber(text);
  if (port > 65_535) throw new InvalidArgumentError("It must be 0 (any free port) to 65535.");
  return port;
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

/** A whole number of 1 or more. */
export function count(text: string): number {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError("It must be 1 or more.");
  return value;
}

/** Sizes: 1x28x28. */
export function shape(text: string): readonly number[] {
  if (!/^\d{1,9}(x\d{1,9})*$/.test(text)) throw new InvalidArgumentError("It must be sizes like 1x28x28.");
  return text.split("x").map(count);
}

/** Whole numbers of 1 or more: 12,7,24. */
export function countList(text: string): readonly number[] {
  if (!/^\d{1,9}(,\d{1,9})*$/.test(text)) throw new InvalidArgumentError("It must be numbers like 12,7,24.");
  return text.split(",").map(count);
}

export function positiveNumber(text: string): number {
  const value = /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : 0;
  if (value === 0) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}

/** For options that may be given again. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
