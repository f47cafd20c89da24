import { SelvedgeError } from "@selvedge/protocol";
import { csvAdapter } from "./csv-adapter.ts";
import type {
  ClassTargets,
  Dataset,
  DatasetDescription,
  DatasetReading,
  DatasetSource,
  LabelledIdxSource,
} from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { idxAdapter } from "./idx-adapter.ts";
import { jsonLinesAdapter } from "./json-lines-adapter.ts";
import { npyAdapter } from "./npy-adapter.ts";
import { npzAdapter } from "./npz-adapter.ts";
import { classReading } from "./plan-reading.ts";
import { textAdapter } from "./text-adapter.ts";

/**
 * Reads and checks a whole dataset: as many labels as examples, at least one, every one as
 * the plan's target says.
 *
 * @param reading how the plan reads it
 * @throws SelvedgeError as {@link DatasetAdapter}
 */
export async function openDataset(source: DatasetSource, reading: DatasetReading): Promise<Dataset> {
  return adapterOf(source).open(source, reading);
}

/** As `openDataset`, where each example has one of as many classes as its owner says. */
export async function openClassDataset(source: LabelledIdxSource): Promise<ClassDataset> {
  const { targets, ...dataset } = await openDataset(source, classReading(source.classes));
  if (targets.kind === "class") return { ...dataset, targets };
  throw new SelvedgeError("internal", "these are no classes");
}

/** A dataset with classes. */
type ClassDataset = Dataset & { readonly targets: ClassTargets };

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
  text: textAdapter,
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
