import type { DatasetSource } from "./dataset.ts";

/** The same dataset with each of its paths replaced. */
export function mapPaths(source: DatasetSource, replace: (path: string) => string): DatasetSource {
  switch (source.format) {
    case "idx":
      return {
        ...source,
        imagesPath: replace(source.imagesPath),
        labelsPath: replace(source.labelsPath),
      };
    case "npy":
      return {
        ...source,
        inputsPath: replace(source.inputsPath),
        labelsPath: replace(source.labelsPath),
      };
    case "csv":
    case "jsonl":
    case "npz":
      return { ...source, path: replace(source.path) };
  }
}
