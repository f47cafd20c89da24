import { SelvedgeError, type TableSchema } from "@selvedge/protocol";
import { csvAdapter } from "./csv-adapter.ts";
import type { Dataset, DatasetDescription, DatasetSource } from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { idxAdapter } from "./idx-adapter.ts";
import { jsonLinesAdapter } from "./json-lines-adapter.ts";
import { npyAdapter } from "./npy-adapter.ts";
import { npzAdapter } from "./npz-adapter.ts";

/**
 * Reads and checks a whole dataset: as many labels as examples, at least one,
 * every label below `classes`.
 *
 * @param table how the rows of a table become examples, as the plan says; null for data without columns
 * @throws SelvedgeError as {@link DatasetAdapter}
 */
export async function openDataset(source: DatasetSource, table: TableSchema | null = null): Promise<Dataset> {
  return adapterOf(source).open(source, table);
}

/** What is in a dataset, from no more of it than its head. @throws SelvedgeError as `openDataset` */
export async function describeDataset(source: DatasetSource): Promise<DatasetDescription> {
  return adapterOf(source).describe(source);
}

const adapters: { readonly [Format in DatasetSource["format"]]: DatasetAdapter<SourceOf<Format>> } = {
  idx: idxAdapter,
  csv: csvAdapter,
  jsonl: jsonLinesAdapter,
  npy: npyAdapter,
  npz: npzAdapter,
};

type SourceOf<Format extends DatasetSource["format"]> = Extract<DatasetSource, { readonly format: Format }>;

function adapterOf(source: DatasetSource): DatasetAdapter {
  // Sources cross process borders as plain data, so the type is no proof.
  if (Object.hasOwn(adapters, source.format)) return adapters[source.format] as DatasetAdapter;
  throw new SelvedgeError("unsupported", `unknown dataset format: ${String(source.format)}`, {
    at: "dataset source: format",
    fix: `use one of: ${Object.keys(adapters).join(", ")}`,
  });
}
