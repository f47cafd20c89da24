import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { TableColumn, TableSchema } from "@selvedge/protocol";

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

export function schema(...columns: readonly TableColumn[]): TableSchema {
  return { columns, label: { name: "label", values: ["no", "yes"] } };
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
