import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { TableColumn, TableSchema } from "@selvedge/protocol";
import type { DatasetReading, Targets } from "./dataset.ts";
import { classReading } from "./plan-reading.ts";

/** A number that must be there, with one thing changed. */
export function column(name: string, change: Partial<TableColumn> = {}): TableColumn {
  return {
    name,
    type: "number",
    values: [],
    missing: "error",
    constant: "",
    normalisation: "none",
    ...change,
  };
}

/** How a table of these columns is read. */
export function reading(...columns: readonly TableColumn[]): DatasetReading {
  return classReading(2, schema(...columns));
}

export function schema(...columns: readonly TableColumn[]): TableSchema {
  return { columns, label: { name: "label", values: ["no", "yes"] }, targets: [] };
}

/** What is learned of each example, as plain numbers. */
export function labelsOf(targets: Targets): number[] {
  return targets.kind === "input" ? [] : [...targets.values];
}

/** Writes a file that goes with the test. @returns its path */
export function temporaryFile(t: TestContext, name: string, content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-datasets-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Bytes as a file would give them. */
export async function* inOneChunk(bytes: Uint8Array): AsyncGenerator<Buffer> {
  yield Buffer.from(bytes);
}
