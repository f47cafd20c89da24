import { SelvedgeError } from "./errors.ts";
import type { Column, DatasetRequest, LabelColumn } from "./gen/selvedge/v1/round_pb.js";
import { limits } from "./limits.ts";

export type ColumnType = "number" | "boolean" | "category";
export type MissingRule = "error" | "skip-row" | "constant" | "mean";
export type Normalisation = "none" | "standard" | "min-max";

/** One column of a table and how it becomes numbers, as a plan declares it. */
export interface TableColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Of a category: every value there may be; each becomes one number, 0 or 1. */
  readonly values: readonly string[];
  readonly missing: MissingRule;
  /** What stands in for a missing value, written as in the file; "" unless `missing` is "constant". */
  readonly constant: string;
  readonly normalisation: Normalisation;
}

/** How the rows of a table become examples, and what is learned of them: plain data, as a plan declares it. */
export interface TableSchema {
  readonly columns: readonly TableColumn[];
  /** What holds the class, `values` the texts of the classes in order; null when no such class is learned. */
  readonly label: { readonly name: string; readonly values: readonly string[] } | null;
  /** Numbers that are learned, or booleans, each of two classes. */
  readonly targets: readonly TableColumn[];
}

/** The names of all columns that are read. */
export function namesIn({ columns, label, targets }: TableSchema): string[] {
  return [...columns, ...(label === null ? [] : [label]), ...targets].map(({ name }) => name);
}

/** How many numbers a column becomes. */
export function widthOf(column: TableColumn): number {
  return column.type === "category" ? column.values.length : 1;
}

/** How many numbers one example of a table is. */
export function featuresOf(schema: TableSchema): number {
  return schema.columns.reduce((sum, column) => sum + widthOf(column), 0);
}

/** Whether what becomes of a column depends on the data of all devices. */
export function needsStatistics(column: TableColumn): boolean {
  return column.normalisation !== "none" || column.missing === "mean";
}

/** The most bytes that a device's statistics of a table may have. */
export function statisticsBytesBound(schema: TableSchema): number {
  // A name in JSON has at most six bytes a character; the numbers have some 400.
  const column = 6 * limits.columnNameLengthMax + 512;
  return Math.min(64 + column * schema.columns.filter(needsStatistics).length, limits.statisticsBytesMax);
}

/**
 * The table that a plan's dataset declares; null when it has no columns.
 *
 * @throws SelvedgeError `invalid_argument` naming the field
 */
export function tableSchemaOf(dataset: DatasetRequest): TableSchema | null {
  const { columns, label, target } = dataset;
  const targets = target?.columns ?? [];
  if (columns.length === 0) {
    if (label !== undefined) throw invalid("label", "is there, and columns are not");
    if (targets.length > 0) throw invalid("target.columns", "are there, and columns to learn from are not");
    return null;
  }
  checkCount("columns", columns);
  checkCount("target.columns", targets);
  const schema: TableSchema = {
    columns: columns.map((column, index) => checkedColumn(column, `columns[${index}]`)),
    label: label === undefined ? null : checkedLabel(label, dataset.classes),
    targets: targets.map((column, index) => checkedTarget(column, `target.columns[${index}]`, target?.kind)),
  };
  checkLearned(schema, dataset);
  checkTogether(schema, dataset);
  return schema;
}

function checkCount(field: string, columns: readonly Column[]): void {
  if (columns.length <= limits.tableColumnsMax) return;
  throw invalid(field, `${columns.length} are too many; at most ${limits.tableColumnsMax}`);
}

function checkedLabel({ name, values }: LabelColumn, classes: number): TableSchema["label"] {
  checkColumnName("label.name", name);
  checkValues("label.values", values, 2);
  if (values.length === classes) return { name, values };
  throw invalid("label.values", `${values.length} values for ${classes} classes`);
}

function checkedTarget(column: Column, at: string, kind: string | undefined): TableColumn {
  const checked = checkedColumn(column, at);
  checkOneOf(`${at}.type`, checked.type, [kind === "class" ? "boolean" : "number"]);
  checkOneOf(`${at}.missing`, checked.missing, ["error", "skip-row"]);
  checkOneOf(`${at}.normalisation`, checked.normalisation, ["none"]);
  return checked;
}

/** A table has what its plan's target is made of, and nothing else. */
function checkLearned({ label, targets }: TableSchema, { classes, target }: DatasetRequest): void {
  const { kind = "class", shape = [] } = target ?? {};
  const isLabelled = kind === "class" && targets.length === 0;
  if (isLabelled !== (label !== null)) throw invalid("label", isLabelled ? "is missing" : "is not learned");
  if (isLabelled && shape.length > 0) throw invalid("target.shape", "a label is one class for each example");
  if (kind === "numbers" && targets.length === 0) throw invalid("target.columns", "are missing");
  if (kind === "input" && targets.length > 0) throw invalid("target.columns", "are not learned");
  if (targets.length > 0 && shape.join() !== `${targets.length}`) {
    throw invalid("target.shape", `[${shape.join(", ")}]; the columns make [${targets.length}]`);
  }
  if (targets.length > 0 && kind === "class" && classes !== 2) {
    throw invalid("classes", `${classes}; a boolean has 2`);
  }
}

function checkedColumn(column: Column, at: string): TableColumn {
  const { name, type, values, missing, constant, normalisation } = column;
  const field = (part: string): string => `${at}.${part}`;
  checkColumnName(field("name"), name);
  checkOneOf(field("type"), type, ["number", "boolean", "category"]);
  checkOneOf(field("missing"), missing, ["error", "skip-row", "constant", "mean"]);
  checkOneOf(field("normalisation"), normalisation, ["none", "standard", "min-max"]);
  const checked = { name, type, values, missing, constant, normalisation } as TableColumn;
  if (checked.type === "category") checkValues(field("values"), values, 1);
  else if (values.length > 0) throw invalid(field("values"), `only a category has values, not a ${type}`);
  if (checked.type !== "number" && needsStatistics(checked)) {
    throw invalid(field("normalisation"), `only a number has a mean or is normalised, not a ${type}`);
  }
  if (missing === "constant") checkConstant(field("constant"), checked);
  else if (constant !== "") throw invalid(field("constant"), `is for the missing rule "constant"`);
  return checked;
}

function checkConstant(field: string, column: TableColumn): void {
  const { type, constant } = column;
  if (parseCell(constant, column) !== undefined) return;
  throw invalid(field, `"${constant.slice(0, 64)}" is no ${type}`);
}

/**
 * What a cell says: a finite number that float32 can hold, 0 or 1, or the index of a
 * category; undefined when it says nothing of the column's type.
 */
export function parseCell(text: string, column: TableColumn): number | undefined {
  switch (column.type) {
    case "number": {
      const isNumber = text.length <= numberLengthMax && numberPattern.test(text);
      const value = isNumber ? Math.fround(Number(text)) : Number.NaN;
      return Number.isFinite(value) ? value : undefined;
    }
    case "boolean":
      return booleans.get(text);
    case "category": {
      const index = column.values.indexOf(text);
      return index === -1 ? undefined : index;
    }
  }
}

function checkTogether(schema: TableSchema, dataset: DatasetRequest): void {
  const columns = schema.columns.map(({ name }) => name);
  const learned = namesIn(schema).slice(columns.length);
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) throw invalid("columns", `"${twice}" is there twice`);
  const wrong = learned.find((name, index) => columns.includes(name) || learned.indexOf(name) !== index);
  if (wrong !== undefined) {
    const field = schema.label === null ? "target.columns" : "label.name";
    throw invalid(field, `"${wrong}" is there twice, or is also a column to learn from`);
  }
  const size = dataset.inputShape.reduce((product, dimension) => product * dimension, 1);
  const features = featuresOf(schema);
  if (size === features) return;
  throw invalid(
    "input_shape",
    `[${dataset.inputShape.join(", ")}] holds ${size} numbers; the columns make [${features}]`,
  );
}

function checkColumnName(field: string, name: string): void {
  if (name.length > 0 && name.length <= limits.columnNameLengthMax) return;
  throw invalid(field, `a name of 1 to ${limits.columnNameLengthMax} characters is needed`);
}

function checkValues(field: string, values: readonly string[], least: number): void {
  if (values.length < least || values.length > limits.categoryValuesMax) {
    throw invalid(field, `${values.length} values; ${least} to ${limits.categoryValuesMax} are needed`);
  }
  const long = values.find((value) => value.length > limits.columnNameLengthMax);
  if (long !== undefined)
    throw invalid(field, `values have at most ${limits.columnNameLengthMax} characters`);
  if (new Set(values).size !== values.length) throw invalid(field, "each value must be there once");
}

function checkOneOf(field: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw invalid(field, `"${value.slice(0, 64)}" is not one of: ${allowed.join(", ")}`);
}

function invalid(field: string, problem: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `the plan's dataset.${field}: ${problem}`, {
    at: `plan.dataset.${field}`,
  });
}

/** A decimal number as JSON writes it, with an optional plus and bare fractions: never hexadecimal, never blank. */
const numberPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const numberLengthMax = 64;

const booleans: ReadonlyMap<string, number> = new Map([
  ["0", 0],
  ["1", 1],
  ["false", 0],
  ["true", 1],
]);
