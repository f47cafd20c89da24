import { limits, SelvedgeError, type TableColumn, type TableSchema } from "@selvedge/protocol";
import type { JsonObject } from "../json-object.ts";
import { type ColumnStatistics, columnsAsked, needOf } from "./column-statistics.ts";

/** JSON with the keys in one order and whole numbers as decimal text: equal statistics have equal bytes. */
export function encodeStatistics(statistics: readonly ColumnStatistics[]): Uint8Array {
  const columns = statistics.map(({ name, count, sum, squares, range }) => ({
    name,
    count,
    ...(sum !== null && { sum: String(sum) }),
    ...(squares !== null && { squares: String(squares) }),
    ...(range !== null && { minimum: range.minimum, maximum: range.maximum }),
  }));
  return new TextEncoder().encode(JSON.stringify({ columns }));
}

/**
 * Reads statistics and checks that they are exactly those that a plan asks for, and
 * possible: those of `countMax` finite float32 values at most.
 *
 * @throws SelvedgeError `too_large`, `corrupt`, or `out_of_range` naming the column
 */
export function decodeStatistics(
  bytes: Uint8Array,
  schema: TableSchema,
  countMax: number,
): ColumnStatistics[] {
  if (bytes.length > limits.statisticsBytesMax) {
    throw new SelvedgeError("too_large", `${bytes.length} bytes; at most ${limits.statisticsBytesMax}`, {
      at,
    });
  }
  const value = parse(bytes);
  const asked = columnsAsked(schema);
  const columns = isObject(value) && Array.isArray(value.columns) ? (value.columns as unknown[]) : [];
  if (!isObject(value) || Object.keys(value).length !== 1 || columns.length !== asked.length) {
    throw new SelvedgeError("corrupt", `statistics of exactly ${asked.length} columns are needed`, { at });
  }
  return asked.map((column, index) => decodeColumn(column, columns[index], countMax));
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new SelvedgeError("corrupt", "the statistics are not JSON", { at, cause });
  }
}

function decodeColumn(column: TableColumn, given: unknown, countMax: number): ColumnStatistics {
  const need = needOf(column);
  const keys = ["name", "count"];
  if (need.sum) keys.push("sum");
  if (need.squares) keys.push("squares");
  if (need.range) keys.push("minimum", "maximum");
  if (!isObject(given) || Object.keys(given).sort().join() !== keys.sort().join()) {
    throw wrong(column, `not exactly ${keys.join(", ")}`);
  }
  const { name, count, minimum, maximum } = given;
  if (name !== column.name) throw wrong(column, `it is of another column`);
  if (
    typeof count !== "number" ||
    !Number.isInteger(count) ||
    count < limits.statisticsValuesMin ||
    count > countMax
  ) {
    throw wrong(column, `a count is needed, from ${limits.statisticsValuesMin} to ${countMax}`);
  }
  const statistics: ColumnStatistics = {
    name: column.name,
    count,
    sum: need.sum ? wholeNumber(column, given.sum) : null,
    squares: need.squares ? wholeNumber(column, given.squares) : null,
    range: need.range ? { minimum: float32(column, minimum), maximum: float32(column, maximum) } : null,
  };
  checkPossible(column, statistics);
  return statistics;
}

function checkPossible(column: TableColumn, { count, sum, squares, range }: ColumnStatistics): void {
  const magnitude = BigInt(count) * largest;
  if (sum !== null && (sum > magnitude || sum < -magnitude))
    throw wrong(column, "no such values have this sum");
  // Cauchy and Schwarz: the square of a sum is at most the number times the sum of squares.
  const least = sum === null ? 0n : sum * sum;
  if (squares !== null && (squares > magnitude * largest || least > BigInt(count) * squares)) {
    throw wrong(column, "no such values have this sum of squares");
  }
  if (range !== null && range.minimum > range.maximum)
    throw wrong(column, "the minimum is above the maximum");
}

function wholeNumber(column: TableColumn, value: unknown): bigint {
  // The sum of squares of 2^32 values has 181 digits at most.
  if (typeof value === "string" && /^(?:0|-?[1-9]\d{0,189})$/.test(value)) return BigInt(value);
  throw wrong(column, "a sum is a whole number, as text");
}

function float32(column: TableColumn, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value) && Math.fround(value) === value) return value;
  throw wrong(column, "minimum and maximum are float32 numbers");
}

function wrong(column: TableColumn, problem: string): SelvedgeError {
  return new SelvedgeError("out_of_range", `statistics of "${column.name}": ${problem}`, {
    at: `${at}, column "${column.name}"`,
  });
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const at = "statistics";
/** The largest float32, in units of 2^-149. */
const largest = 0xffffffn << 253n;
