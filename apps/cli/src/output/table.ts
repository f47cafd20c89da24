import { printable } from "./printable.ts";

export interface Column {
  readonly title: string;
  /** Numbers stand at the right; default "left". */
  readonly align?: "left" | "right";
}

/** Rows in aligned columns, two spaces apart, without borders; ends with a line break. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  return lines.map((line) => `${renderLine(columns, widths, line)}\n`).join("");
}

/** Names and values one below the other; ends with a line break. */
export function renderFields(fields: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}\n`).join("");
}

function renderLine(columns: readonly Column[], widths: readonly number[], line: readonly string[]): string {
  return columns
    .map(({ align }, index) => {
      const cell = line[index] ?? "";
      const width = widths[index] ?? 0;
      return align === "right" ? cell.padStart(width) : cell.padEnd(width);
    })
    .join("  ")
    .trimEnd();
}
