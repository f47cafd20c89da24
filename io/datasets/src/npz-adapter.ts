import { basename } from "node:path";
import { arrayDataset, checkClasses, checkReading, describeArrays } from "./array-dataset.ts";
import type { NpzSource } from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { labelsOf } from "./npy-adapter.ts";
import { missingArray, parseNpz, readNpzHeader } from "./npz.ts";
import { datasetFileChunks } from "./open-dataset-file.ts";
import { readDatasetFile } from "./read-dataset-file.ts";

/** One NumPy archive with both arrays. */
export const npzAdapter: DatasetAdapter<NpzSource> = {
  async describe({ path, classes, inputs, labels }) {
    checkClasses(classes);
    const header = await readNpzHeader(datasetFileChunks(path), inputs, path);
    const labelHeader = await readNpzHeader(datasetFileChunks(path), labels, path);
    return describeArrays(header ?? missingArray(inputs, path), labelsOf(labelHeader), classes);
  },

  async open({ path, classes, inputs, labels, scale = 1, name }, reading) {
    checkReading(classes, reading, path);
    const names = reading.target.kind === "input" ? [inputs] : [inputs, labels];
    const [inputArray, labelArray] = parseNpz(await readDatasetFile(path), names, path).map(
      (array, index) => ({ ...array, at: `${path}: ${names[index]}` }),
    );
    if (inputArray === undefined) missingArray(inputs, path);
    return arrayDataset(
      { name: name ?? basename(path), scale, inputs: inputArray, labels: labelArray },
      reading,
    );
  },
};
