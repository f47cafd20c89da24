import { basename } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import type { Dataset, DatasetReading, JsonLinesSource } from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { datasetFileChunks } from "./open-dataset-file.ts";
import { splitLines } from "./split-lines.ts";
import { type Cell, TableBuilder } from "./table-builder.ts";
import { columnMap, requireTable } from "./table-columns.ts";

/** A table with one JSON object a line. Strings, numbers and booleans are cells; null is none. */
export const jsonLinesAdapter: DatasetAdapter<JsonLinesSource> = {
  async describe({ path }) {
    for await (const { text, line } of splitLines(datasetFileChunks(path), path)) {
      parseRow(text, `${path}:${line}`);
      return { kind: "table", columns: null };
    }
    throw new SelvedgeError("corrupt", "the file is empty", { at: path });
  },

  async open(source, reading) {
    return readJsonLines(datasetFileChunks(source.path), source, reading);
  },
};

/** The same, for bytes that are already at hand. */
export async function readJsonLines(
  chunks: AsyncIterable<Buffer>,
  source: JsonLinesSource,
  reading: DatasetReading,
): Promise<Dataset> {
  const { path } = source;
  const table = requireTable(reading, path);
  const names = columnMap(source, table, null);
  const builder = new TableBuilder(table, path);
  for await (const { text, line } of splitLines(chunks, path)) {
    const row = parseRow(text, `${path}:${line}`);
    builder.add((column) => cellOf(row, names.get(column) ?? column, `${path}:${line}`), line);
  }
  return builder.finish(source.name ?? basename(path), reading.target);
}

type Row = Readonly<Record<string, unknown>>;

function parseRow(text: string, at: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SelvedgeError("corrupt", "not a line of JSON", { at, cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Row;
  throw new SelvedgeError("corrupt", "not a JSON object", {
    at,
    fix: "each line must be an object from column names to values",
  });
}

function cellOf(row: Row, name: string, at: string): Cell {
  const value = Object.hasOwn(row, name) ? row[name] : null;
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "boolean":
      return String(value);
    default:
      if (value === null) return undefined;
      throw new SelvedgeError("corrupt", `the value of "${name}" is neither text, number nor boolean`, {
        at: `${at}, column "${name}"`,
      });
  }
}
