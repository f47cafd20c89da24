import { basename } from "node:path";
import { arrayDataset, checkClasses, refuseColumns } from "./array-dataset.ts";
import type { NpzSource } from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { wholeNumbers } from "./npy-adapter.ts";
import { parseNpz, readNpzHeader } from "./npz.ts";
import { datasetFileChunks } from "./open-dataset-file.ts";
import { readDatasetFile } from "./read-dataset-file.ts";

/** One NumPy archive with both arrays. */
export const npzAdapter: DatasetAdapter<NpzSource> = {
  async describe({ path, classes, inputs }) {
    checkClasses(classes);
    const { shape } = await readNpzHeader(datasetFileChunks(path), inputs, path);
    const [length = 0, ...inputShape] = shape;
    return { kind: "array", length, inputShape, classes };
  },

  async open(source, table) {
    const { path, classes, scale = 1, name } = source;
    checkClasses(classes);
    refuseColumns(table !== null, path);
    const [inputsAt, labelsAt] = [`${path}: ${source.inputs}`, `${path}: ${source.labels}`];
    const [inputs, labels] = parseNpz(await readDatasetFile(path), [source.inputs, source.labels], path);
    return arrayDataset({
      name: name ?? basename(path),
      classes,
      scale,
      inputs,
      labels: wholeNumbers(labels, labelsAt),
      inputsAt,
      labelsAt,
    });
  },
};
