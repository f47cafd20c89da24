import type { Round } from "@selvedge/protocol";
import { renderTable } from "./table.ts";

/** How a round's figures are spread over its devices, and what they are in groups and tags; "" where nothing is told. */
export function breakdownTables(round: Round | undefined): string {
  if (round === undefined) return "";
  return [spreadTable(round), groupTable(round)].filter((table) => table !== "").join("\n");
}

function spreadTable({ spread }: Round): string {
  const rows = Object.entries(spread)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { devices, minimum, lowerQuartile, median, upperQuartile, maximum }]) => [
      ...[titleOf(name), String(devices)],
      ...[minimum, lowerQuartile, median, upperQuartile, maximum].map(fixed),
    ]);
  return rows.length === 0 ? "" : renderTable(columns("OVER DEVICES", "DEVICES", ...quartiles), rows);
}

function groupTable({ groups }: Round): string {
  const names = [...new Set(groups.flatMap(({ metrics }) => Object.keys(metrics)))]
    .filter((name) => measures.some((start) => name.startsWith(start)))
    .toSorted();
  const rows = groups.map(({ kind, name, devices, metrics }) => [
    ...[`${kind} ${name}`, String(devices)],
    ...names.map((each) => fixed(metrics[each])),
  ]);
  const titles = names.map((name) => titleOf(name).toUpperCase());
  return rows.length === 0 ? "" : renderTable(columns("SET", "DEVICES", ...titles), rows);
}

function columns(...titles: readonly string[]): { title: string }[] {
  return titles.map((title) => ({ title }));
}

function titleOf(name: string): string {
  return name.replace(/^eval_/, "").replaceAll("_", " ");
}

function fixed(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(4);
}

const quartiles: readonly string[] = ["MIN", "25%", "MEDIAN", "75%", "MAX"];
const measures: readonly string[] = ["eval_", "personal_"];
