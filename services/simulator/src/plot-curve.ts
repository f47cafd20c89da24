import type { Curve } from "./curve.ts";
import { placeIn, rangeOf } from "./curve-range.ts";

export interface PlotSize {
  /** Characters, without the axis. */
  readonly columns: number;
  readonly rows: number;
}

/** A curve in characters for a terminal; "" when it has no point. */
export function plotCurve(curve: Curve, { columns, rows }: PlotSize): string {
  if (curve.points.length === 0) return "";
  const { rounds, values } = rangeOf(curve);
  const cells = Array.from({ length: rows }, () => new Array<string>(columns).fill(" "));
  for (const [round, value] of curve.points) {
    const column = Math.round(placeIn(rounds, round) * (columns - 1));
    const row = Math.round((1 - placeIn(values, value)) * (rows - 1));
    const line = cells[row];
    if (line !== undefined) line[column] = "•";
  }
  const lines = cells.map((line, row) => {
    const label = row === 0 ? values[1] : row === rows - 1 ? values[0] : undefined;
    return `${(label?.toFixed(3) ?? "").padStart(labelWidth)} │${line.join("").trimEnd()}`;
  });
  const [from, to] = rounds.map(String);
  const axis = `${" ".repeat(labelWidth)} └${"─".repeat(columns)}`;
  const scale = `${" ".repeat(labelWidth + 2)}${(from ?? "").padEnd(columns - (to?.length ?? 0))}${to}`;
  return [`${" ".repeat(labelWidth + 2)}${curve.title}`, ...lines, axis, scale, ""].join("\n");
}

const labelWidth = 8;
