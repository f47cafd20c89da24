import { SelvedgeError, type TableColumn, type TableSchema, widthOf } from "@selvedge/protocol";
import type { ColumnStatistics } from "./column-statistics.ts";

/** What is done to a column before a model sees it: `(value - offset) * factor`. float32 throughout. */
export interface ColumnScaling {
  readonly offset: number;
  readonly factor: number;
  /** What stands in for a missing value; null when nothing does. */
  readonly mean: number | null;
}

/** The same for each number of an example, and what a missing one is replaced with. */
export interface FeatureScaling {
  readonly offsets: Float32Array;
  readonly factors: Float32Array;
  /** NaN where nothing stands in. */
  readonly means: Float32Array;
}

/**
 * How each column of a table is scaled, from the statistics of all devices. A column whose
 * values are all the same is only moved. Computed exactly up to the last rounding, so it
 * is the same on every machine.
 *
 * @param statistics of `columnsAsked(schema)`, in that order
 */
export function scaleColumns(schema: TableSchema, statistics: readonly ColumnStatistics[]): ColumnScaling[] {
  const byName = new Map(statistics.map((column) => [column.name, column]));
  return schema.columns.map((column) => scale(column, byName.get(column.name)));
}

/** As a model takes them: one for each number of an example. */
export function scaleFeatures(schema: TableSchema, scaling: readonly ColumnScaling[]): FeatureScaling {
  const spread = schema.columns.flatMap((column, index) =>
    Array.from({ length: widthOf(column) }, () => scaling[index] ?? unscaled),
  );
  return {
    offsets: Float32Array.from(spread, ({ offset }) => offset),
    factors: Float32Array.from(spread, ({ factor }) => factor),
    means: Float32Array.from(spread, ({ mean }) => mean ?? Number.NaN),
  };
}

/** @throws SelvedgeError `invalid_argument` unless the value is the scaling of these columns */
export function parseScaling(value: unknown, schema: TableSchema): ColumnScaling[] {
  const given: readonly unknown[] = Array.isArray(value) ? value : [];
  const parsed = given.flatMap((one) => (isScaling(one) ? [one] : []));
  const complete = parsed.length === given.length && parsed.length === schema.columns.length;
  const means = schema.columns.every(
    ({ missing }, index) => (missing === "mean") === (typeof parsed[index]?.mean === "number"),
  );
  if (complete && means) return parsed;
  throw new SelvedgeError(
    "invalid_argument",
    `offset, factor and mean are needed for each of ${schema.columns.length} columns`,
    { at: "offer: client_config: scaling" },
  );
}

function scale(column: TableColumn, statistics: ColumnStatistics | undefined): ColumnScaling {
  if (statistics === undefined) return unscaled;
  const { count, sum, squares, range } = statistics;
  const mean = sum === null ? 0 : Math.fround(quotient(sum, BigInt(count), -149));
  const rest = { mean: column.missing === "mean" ? mean : null };
  if (column.normalisation === "standard" && sum !== null && squares !== null) {
    // n Σx² - (Σx)², over n²: exact until the division, so nothing cancels.
    const n = BigInt(count);
    const variance = quotient(n * squares - sum * sum, n * n, -298);
    return { offset: mean, factor: inverse(Math.sqrt(variance)), ...rest };
  }
  if (range !== null) {
    return { offset: range.minimum, factor: inverse(range.maximum - range.minimum), ...rest };
  }
  return { ...unscaled, ...rest };
}

function inverse(width: number): number {
  const factor = Math.fround(1 / width);
  return Number.isFinite(factor) && factor > 0 ? factor : 1;
}

/** `numerator / denominator * 2^exponent`, to within one part in 2^53. */
function quotient(numerator: bigint, denominator: bigint, exponent: number): number {
  // Enough bits that cutting the rest off does not show.
  const shift = 64n + BigInt(denominator.toString(2).length);
  const magnitude = ((numerator < 0n ? -numerator : numerator) << shift) / denominator;
  // In two steps: 2^(exponent - shift) alone may be too small for a float64.
  const value = (Number(magnitude) * 2 ** exponent) / 2 ** Number(shift);
  return numerator < 0n ? -value : value;
}

function isScaling(value: unknown): value is ColumnScaling {
  if (typeof value !== "object" || value === null) return false;
  const { offset, factor, mean } = value as Partial<Record<string, unknown>>;
  if (Object.keys(value).length !== 3) return false;
  return isFloat32(offset) && isFloat32(factor) && factor > 0 && (mean === null || isFloat32(mean));
}

function isFloat32(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && Math.fround(value) === value;
}

const unscaled: ColumnScaling = { offset: 0, factor: 1, mean: null };
