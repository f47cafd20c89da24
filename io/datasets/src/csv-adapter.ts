import { basename } from "node:path";
import { pipeline, Readable } from "node:stream";
import { limits, SelvedgeError, type TableSchema } from "@selvedge/protocol";
import { CsvError, type Info, type Parser, parse } from "csv-parse";
import type { CsvSource, Dataset, DatasetReading } from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { datasetFileChunks, readError } from "./open-dataset-file.ts";
import { TableBuilder } from "./table-builder.ts";
import { columnMap, columnNames, requireTable } from "./table-columns.ts";
import { utf8Chunks } from "./utf8.ts";

/** A table as comma-separated values; the first line names the columns. */
export const csvAdapter: DatasetAdapter<CsvSource> = {
  async describe(source) {
    for await (const { record } of records(datasetFileChunks(source.path), source)) {
      return { kind: "table", columns: columnNames(source, header(record, source.path)) };
    }
    throw emptyFile(source.path);
  },

  async open(source, reading) {
    return readCsv(datasetFileChunks(source.path), source, reading);
  },
};

/** The same, for bytes that are already at hand. */
export async function readCsv(
  chunks: AsyncIterable<Buffer>,
  source: CsvSource,
  reading: DatasetReading,
): Promise<Dataset> {
  const table = requireTable(reading, source.path);
  const missing = new Set(source.missing ?? [""]);
  const builder = new TableBuilder(table, source.path);
  let cellOf: ((record: readonly string[], column: string) => string | undefined) | undefined;
  for await (const { record, info } of records(chunks, source)) {
    if (cellOf === undefined) {
      cellOf = cellReader(source, table, header(record, source.path), missing);
      continue;
    }
    const read = cellOf;
    builder.add((column) => read(record, column), info.lines);
  }
  if (cellOf === undefined) throw emptyFile(source.path);
  return builder.finish(source.name ?? basename(source.path), reading.target);
}

interface CsvRecord {
  readonly record: readonly string[];
  /** `lines` is where the row ends, from 1. */
  readonly info: Info;
}

async function* records(
  chunks: AsyncIterable<Buffer>,
  { path, delimiter = "," }: CsvSource,
): AsyncGenerator<CsvRecord> {
  const parser: Parser = parse({
    bom: true,
    delimiter,
    info: true,
    maxRecordSize: limits.tableRowBytesMax,
    skipEmptyLines: true,
  });
  // Destroys both when either fails; the error comes out of the loop below.
  pipeline(Readable.from(utf8Chunks(chunks, path), { objectMode: false }), parser, () => {});
  try {
    for await (const row of parser) yield row as CsvRecord;
  } catch (thrown) {
    throw thrown instanceof CsvError ? malformed(thrown, path) : readError(thrown, path);
  } finally {
    parser.destroy();
  }
}

function cellReader(
  source: CsvSource,
  table: TableSchema,
  names: readonly string[],
  missing: ReadonlySet<string>,
): (record: readonly string[], column: string) => string | undefined {
  const positions = new Map(
    [...columnMap(source, table, names)].map(([column, name]) => [column, names.indexOf(name)]),
  );
  return (record, column) => {
    const cell = record[positions.get(column) ?? -1]?.trim();
    return cell === undefined || missing.has(cell) ? undefined : cell;
  };
}

function header(record: readonly string[], path: string): string[] {
  const at = `${path}:1`;
  if (record.length > limits.tableFileColumnsMax) {
    throw new SelvedgeError("too_large", `${record.length} columns; at most ${limits.tableFileColumnsMax}`, {
      at,
    });
  }
  const names = record.map((name) => name.trim());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return names;
  throw new SelvedgeError("corrupt", `a column is there twice`, {
    at: `${at}, column "${twice.slice(0, 128)}"`,
    fix: "the first line must name each column once",
  });
}

function malformed(error: CsvError, path: string): SelvedgeError {
  const line = typeof error.lines === "number" ? error.lines : undefined;
  const code = error.code === "CSV_MAX_RECORD_SIZE" ? "too_large" : "corrupt";
  // Its own message may quote the file.
  const problem = error.code.replace(/^CSV_/, "").toLowerCase().replaceAll("_", " ");
  return new SelvedgeError(code, `not valid CSV: ${problem}`, {
    at: line === undefined ? path : `${path}:${line}`,
    fix: "check the delimiter and the quotes, and that each row has as many cells as the first",
    cause: error,
  });
}

function emptyFile(path: string): SelvedgeError {
  return new SelvedgeError("corrupt", "the file is empty", {
    at: path,
    fix: "the first line must name the columns",
  });
}
