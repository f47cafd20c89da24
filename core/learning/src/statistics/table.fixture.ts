import type { TableColumn, TableSchema } from "@selvedge/protocol";

/** A number that must be there, with one thing changed. */
export function column(name: string, change: Partial<TableColumn> = {}): TableColumn {
  const plain = {
    type: "number",
    values: [],
    missing: "error",
    constant: "",
    normalisation: "none",
  } as const;
  return { name, ...plain, ...change };
}

export function schema(...columns: readonly TableColumn[]): TableSchema {
  return { columns, label: { name: "label", values: ["no", "yes"] }, targets: [] };
}

/** 0, 1, 2, … */
export function allRows(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => index);
}
