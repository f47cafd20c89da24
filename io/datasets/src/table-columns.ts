import { namesIn, SelvedgeError, type TableSchema } from "@selvedge/protocol";
import type { CsvSource, DatasetReading, JsonLinesSource } from "./dataset.ts";

type TableSource = CsvSource | JsonLinesSource;

/** @throws SelvedgeError `failed_precondition` when the plan names no columns */
export function requireTable({ table }: DatasetReading, path: string): TableSchema {
  if (table !== null) return table;
  throw new SelvedgeError("failed_precondition", "this is a table, and the plan names no columns", {
    at: path,
    fix: "give the job `dataset.columns`, and what is learned of them",
  });
}

/** What the file's columns are called by jobs: all, or those that the owner lists and the file has. */
export function columnNames({ columns }: TableSource, names: readonly string[]): readonly string[] {
  if (columns === undefined) return names;
  return Object.entries(columns).flatMap(([column, name]) => (names.includes(name) ? column : []));
}

/**
 * From each column that the schema reads to its name in the file.
 *
 * @param names of the file's columns; null when each row says for itself what it has
 * @throws SelvedgeError `failed_precondition` for a column that is not there or not the plan's to read
 */
export function columnMap(
  { columns, path }: TableSource,
  schema: TableSchema,
  names: readonly string[] | null,
): ReadonlyMap<string, string> {
  return new Map(
    namesIn(schema).map((column) => {
      const name = columns === undefined ? column : ownValue(columns, column);
      if (name !== undefined && (names === null || names.includes(name))) return [column, name];
      const known = columns === undefined ? (names ?? []) : Object.keys(columns);
      throw new SelvedgeError("failed_precondition", `there is no column "${column}"`, {
        at: path,
        fix: `the columns are: ${known.slice(0, 32).join(", ")}`,
      });
    }),
  );
}

function ownValue(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
