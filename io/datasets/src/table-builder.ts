import {
  featuresOf,
  limits,
  type PlanTarget,
  parseCell,
  SelvedgeError,
  type TableColumn,
  type TableSchema,
  widthOf,
} from "@selvedge/protocol";
import { classTargets, type Dataset, type Targets } from "./dataset.ts";
import { GrowingFloats } from "./growing-floats.ts";

/** A cell as its file writes it; undefined = no value. */
export type Cell = string | undefined;

/**
 * Turns rows into examples one by one, as the plan's schema says, so that the
 * text of a table is never held whole.
 */
export class TableBuilder {
  readonly #schema: TableSchema;
  readonly #path: string;
  readonly #features: number;
  readonly #classes: ReadonlyMap<string, number>;
  readonly #inputs = new GrowingFloats();
  readonly #labels: number[] = [];
  readonly #targets = new GrowingFloats();
  readonly #row: Float32Array;
  readonly #targetRow: Float32Array;
  #length = 0;

  /** @param path of the file, for messages */
  constructor(schema: TableSchema, path: string) {
    this.#schema = schema;
    this.#path = path;
    this.#features = featuresOf(schema);
    this.#classes = new Map(schema.label?.values.map((value, index) => [value, index]));
    this.#row = new Float32Array(this.#features);
    this.#targetRow = new Float32Array(schema.targets.length);
  }

  /**
   * @param cellOf the row's cell of a column, by its name in the schema
   * @param line where the row stands, from 1, for messages
   * @throws SelvedgeError `corrupt` or `too_large`, with file, line and column
   */
  add(cellOf: (column: string) => Cell, line: number): void {
    this.#row.fill(0);
    let at = 0;
    for (const column of this.#schema.columns) {
      const value = this.#valueOf(column, cellOf(column.name), line);
      if (value === undefined) return;
      if (column.type === "category") this.#row[at + value] = 1;
      else this.#row[at] = value;
      at += widthOf(column);
    }
    for (const [index, column] of this.#schema.targets.entries()) {
      const value = this.#valueOf(column, cellOf(column.name), line);
      if (value === undefined) return;
      this.#targetRow[index] = value;
    }
    const { label } = this.#schema;
    if (label !== null) this.#labels.push(this.#labelOf(label, cellOf(label.name), line));
    this.#targets.push(this.#targetRow);
    this.#length += 1;
    if (this.#length * (this.#features + this.#targetRow.length) > limits.datasetValuesMax) {
      throw new SelvedgeError("too_large", `more than ${limits.datasetValuesMax} numbers`, {
        at: `${this.#path}:${line}`,
        fix: "split the dataset, or read fewer columns",
      });
    }
    this.#inputs.push(this.#row);
  }

  /** @throws SelvedgeError `corrupt` when there was no row that counts */
  finish(name: string, { kind }: PlanTarget): Dataset {
    if (this.#length === 0) {
      throw new SelvedgeError("corrupt", "the file holds no examples", { at: this.#path });
    }
    return {
      name,
      length: this.#length,
      inputShape: [this.#features],
      inputs: this.#inputs.take(),
      scale: 1,
      targets: this.#learned(kind),
    };
  }

  #learned(kind: PlanTarget["kind"]): Targets {
    const { label, targets } = this.#schema;
    if (kind === "input") return { kind };
    if (label !== null) {
      return classTargets(label.values.length, Int32Array.from(this.#labels));
    }
    const [shape, values] = [[targets.length], this.#targets.take()];
    if (kind === "numbers") return { kind, shape, values };
    return { kind, classes: 2, shape, values: Int32Array.from(values) };
  }

  /** NaN where a mean will stand in; undefined when the row does not count. */
  #valueOf(column: TableColumn, cell: Cell, line: number): number | undefined {
    if (cell !== undefined) {
      const value = parseCell(cell, column);
      if (value !== undefined) return value;
      throw this.#wrong(`a cell is ${wanted(column)}`, column.name, line, { cell });
    }
    switch (column.missing) {
      case "skip-row":
        return undefined;
      case "mean":
        return Number.NaN;
      case "constant":
        return parseCell(column.constant, column);
      case "error":
        throw this.#wrong("there is no value", column.name, line, { fix: missingFix });
    }
  }

  #labelOf({ name, values }: NonNullable<TableSchema["label"]>, cell: Cell, line: number): number {
    const label = cell === undefined ? undefined : this.#classes.get(cell);
    if (label !== undefined) return label;
    const problem = cell === undefined ? "there is no label" : "a cell is not one of the labels";
    throw this.#wrong(`${problem}: ${listed(values)}`, name, line, cell === undefined ? {} : { cell });
  }

  /** The message may leave the device, so what stands in the cell is only in the place. */
  #wrong(
    problem: string,
    column: string,
    line: number,
    { cell, fix }: { readonly cell?: string; readonly fix?: string },
  ): SelvedgeError {
    const text = cell === undefined ? "" : `: ${quoted(cell)}`;
    return new SelvedgeError("corrupt", `${problem} (line ${line}, column "${column}")`, {
      at: `${this.#path}:${line}, column "${column}"${text}`,
      ...(fix === undefined ? {} : { fix }),
    });
  }
}

function wanted(column: TableColumn): string {
  switch (column.type) {
    case "number":
      return "not a number that float32 can hold";
    case "boolean":
      return "none of 0, 1, false, true";
    case "category":
      return `not one of the values: ${listed(column.values)}`;
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function listed(values: readonly string[]): string {
  return values.length > 8 ? `${values.slice(0, 8).join(", ")}, …` : values.join(", ");
}

const missingFix = "fill it in, or declare `missing: skip-row`, `constant` or `mean` for the column";
