import { basename } from "node:path";
import { arrayDataset, checkClasses, checkReading, describeArrays, type FileArray } from "./array-dataset.ts";
import type { IdxSource } from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { idxHeaderBytesMax, parseIdx, parseIdxShape } from "./idx.ts";
import { readDatasetFile, readDatasetHead } from "./read-dataset-file.ts";

/** Images keep the shape of the file: [28, 28] for MNIST. `scale` is 1/255. */
export const idxAdapter: DatasetAdapter<IdxSource> = {
  async describe({ imagesPath, labelsPath, classes }) {
    checkClasses(classes);
    const inputs = { shape: await readShape(imagesPath) };
    const labels = labelsPath === undefined ? null : { shape: await readShape(labelsPath), isWhole: true };
    return describeArrays(inputs, labels, classes);
  },

  async open({ imagesPath, labelsPath, classes, name }, reading) {
    checkReading(classes, reading, imagesPath);
    const isLabelled = labelsPath !== undefined && reading.target.kind !== "input";
    return arrayDataset(
      {
        name: name ?? basename(imagesPath),
        scale: 1 / 255,
        inputs: await readArray(imagesPath),
        labels: isLabelled ? await readArray(labelsPath) : undefined,
      },
      reading,
    );
  },
};

async function readShape(path: string): Promise<number[]> {
  return parseIdxShape(await readDatasetHead(path, idxHeaderBytesMax), path);
}

async function readArray(path: string): Promise<FileArray> {
  return { ...parseIdx(await readDatasetFile(path), path), isWhole: true, at: path };
}
