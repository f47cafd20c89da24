import type { DatasetSource } from "@selvedge/datasets";
import { InvalidArgumentError } from "commander";

export type NamedDataset = readonly [name: string, source: DatasetSource];

/** One `--dataset NAME=idx:IMAGES,LABELS,CLASSES`, added to those before. */
export function datasetOption(text: string, before: readonly NamedDataset[] = []): readonly NamedDataset[] {
  const [, name, imagesPath, labelsPath, classes] =
    /^([a-z0-9][a-z0-9._-]{0,63})=idx:([^,]+),([^,]+),(\d{1,3})$/.exec(text) ?? [];
  if (name === undefined || imagesPath === undefined || labelsPath === undefined) {
    throw new InvalidArgumentError("Write NAME=idx:IMAGES,LABELS,CLASSES.");
  }
  return [...before, [name, { format: "idx", imagesPath, labelsPath, classes: Number(classes), name }]];
}
