import {
  limits,
  needsStatistics,
  SelvedgeError,
  type TableColumn,
  type TableSchema,
  widthOf,
} from "@selvedge/protocol";
import { ExactSums } from "./exact-sums.ts";

/** What a device tells of one column: no more than its normalisation needs. */
export interface ColumnStatistics {
  readonly name: string;
  /** Values that are there. */
  readonly count: number;
  /** Their sum in units of 2^-149; null when the plan does not need it. */
  readonly sum: bigint | null;
  /** The sum of their squares in units of 2^-298; null when the plan does not need it. */
  readonly squares: bigint | null;
  /** float32 both; null when the plan does not need it. */
  readonly range: { readonly minimum: number; readonly maximum: number } | null;
}

/** Which numbers of a column a plan asks for. */
export interface StatisticsNeed {
  readonly sum: boolean;
  readonly squares: boolean;
  readonly range: boolean;
}

export function needOf(column: TableColumn): StatisticsNeed {
  const standard = column.normalisation === "standard";
  return {
    sum: standard || column.missing === "mean",
    squares: standard,
    range: column.normalisation === "min-max",
  };
}

/** The columns a plan asks statistics of, in its order. */
export function columnsAsked(schema: TableSchema): TableColumn[] {
  return schema.columns.filter(needsStatistics);
}

/**
 * The statistics a plan asks for, of some rows of a table.
 *
 * @param inputs row-major, `featuresOf(schema)` numbers a row; NaN where a value is missing
 * @param rows indices
 * @throws SelvedgeError `failed_precondition` for a column with so few values that its sums
 *   would tell one of them
 */
export function summariseColumns(
  schema: TableSchema,
  inputs: Float32Array,
  rows: Int32Array,
): ColumnStatistics[] {
  const stride = schema.columns.reduce((sum, column) => sum + widthOf(column), 0);
  let offset = 0;
  return schema.columns.flatMap((column) => {
    const at = offset;
    offset += widthOf(column);
    return needsStatistics(column) ? summarise(column, inputs, rows, stride, at) : [];
  });
}

function summarise(
  column: TableColumn,
  inputs: Float32Array,
  rows: Int32Array,
  stride: number,
  at: number,
): ColumnStatistics {
  const sums = new ExactSums();
  let [count, minimum, maximum] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const row of rows) {
    const value = inputs[row * stride + at] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    count += 1;
    sums.add(value);
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
  }
  if (count < limits.statisticsValuesMin) {
    throw new SelvedgeError(
      "failed_precondition",
      `column "${column.name}" has ${count} values; statistics of fewer than ${limits.statisticsValuesMin} are not given`,
      { at: `column "${column.name}"` },
    );
  }
  const need = needOf(column);
  return {
    name: column.name,
    count,
    sum: need.sum ? sums.sum : null,
    squares: need.squares ? sums.squares : null,
    range: need.range ? { minimum, maximum } : null,
  };
}

/** The statistics of both sets of rows together, exactly; the columns are the same. */
export function mergeStatistics(
  left: readonly ColumnStatistics[],
  right: readonly ColumnStatistics[],
): ColumnStatistics[] {
  return left.map((one, index) => {
    const other = right[index];
    if (other === undefined || other.name !== one.name) {
      throw new SelvedgeError("failed_precondition", `statistics of another column than "${one.name}"`, {
        at: "statistics",
      });
    }
    return {
      name: one.name,
      count: one.count + other.count,
      sum: added(one.sum, other.sum),
      squares: added(one.squares, other.squares),
      range:
        one.range === null || other.range === null
          ? null
          : {
              minimum: Math.min(one.range.minimum, other.range.minimum),
              maximum: Math.max(one.range.maximum, other.range.maximum),
            },
    };
  });
}

function added(left: bigint | null, right: bigint | null): bigint | null {
  return left === null || right === null ? null : left + right;
}
