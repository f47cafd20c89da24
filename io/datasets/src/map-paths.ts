import type { DatasetSource } from "./dataset.ts";

/** The same dataset with each of its paths replaced. */
export function mapPaths(source: DatasetSource, replace: (path: string) => string): DatasetSource {
  const replaced = (labelsPath: string | undefined): { readonly labelsPath?: string } =>
    labelsPath === undefined ? {} : { labelsPath: replace(labelsPath) };
  switch (source.format) {
    case "idx":
      return {
        ...source,
        imagesPath: replace(source.imagesPath),
        ...replaced(source.labelsPath),
      };
    case "npy":
      return {
        ...source,
        inputsPath: replace(source.inputsPath),
        ...replaced(source.labelsPath),
      };
    case "csv":
    case "jsonl":
    case "npz":
    case "text":
      return { ...source, path: replace(source.path) };
  }
}
