import type { TableSchema } from "@selvedge/protocol";
import type { DatasetDescription } from "./dataset.ts";
import { isSameLayout } from "./same-layout.ts";

/** What a plan asks of a dataset. */
export interface DatasetWish {
  readonly name: string;
  /** Shape of one example, without the batch dimension. */
  readonly inputShape: readonly number[];
  readonly classes: number;
  /** How rows become examples; null for data without columns. */
  readonly table: TableSchema | null;
}

/**
 * Why a dataset is not what a plan asks for, with both shapes; null when it is. It may leave
 * the device, so it names no columns but the plan's.
 */
export function datasetMismatch(wish: DatasetWish, has: DatasetDescription): string | null {
  const data = `dataset "${wish.name}"`;
  const shape = `examples of shape ${shapeText(wish.inputShape)} and ${wish.classes} classes`;
  if (has.kind === "array") {
    const given = `${shapeText(has.inputShape)} and ${has.classes} classes`;
    if (wish.table !== null) {
      return `${data} has examples of shape ${given} and no columns; the plan reads ${columnsOf(wish.table)}`;
    }
    const fits = isSameLayout(has.inputShape, wish.inputShape) && has.classes === wish.classes;
    return fits ? null : `${data} has examples of shape ${given}; the model takes ${shape}`;
  }
  if (wish.table === null) {
    return `${data} is a table; the plan names no columns and takes ${shape}`;
  }
  const absent = namesIn(wish.table).filter((name) => has.columns?.includes(name) === false);
  if (absent.length === 0) return null;
  return `${data} has no columns ${listed(absent)}; the plan reads ${columnsOf(wish.table)}`;
}

function columnsOf(table: TableSchema): string {
  return listed(namesIn(table));
}

function namesIn(table: TableSchema): string[] {
  return [...table.columns.map((column) => column.name), table.label.name];
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, namesShown).join(", ");
  return names.length > namesShown ? `[${shown}, …]` : `[${shown}]`;
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

const namesShown = 16;
