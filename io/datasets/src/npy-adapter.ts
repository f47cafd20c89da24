import { basename } from "node:path";
import { arrayDataset, checkClasses, checkReading, describeArrays, type FileArray } from "./array-dataset.ts";
import type { NpySource } from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { type NpyHeader, npyHeaderBytesMax, parseNpy, parseNpyHeader } from "./npy.ts";
import { readDatasetFile, readDatasetHead } from "./read-dataset-file.ts";

/** Two NumPy files, one of inputs and one of labels. */
export const npyAdapter: DatasetAdapter<NpySource> = {
  async describe({ inputsPath, labelsPath, classes }) {
    checkClasses(classes);
    const labels = labelsPath === undefined ? undefined : await readHeader(labelsPath);
    return describeArrays(await readHeader(inputsPath), labelsOf(labels), classes);
  },

  async open({ inputsPath, labelsPath, classes, scale = 1, name }, reading) {
    checkReading(classes, reading, inputsPath);
    const isLabelled = labelsPath !== undefined && reading.target.kind !== "input";
    return arrayDataset(
      {
        name: name ?? basename(inputsPath),
        scale,
        inputs: await readArray(inputsPath),
        labels: isLabelled ? await readArray(labelsPath) : undefined,
      },
      reading,
    );
  },
};

/** What a header says of labels. */
export function labelsOf(header: NpyHeader | undefined): Parameters<typeof describeArrays>[1] {
  return header === undefined ? null : { shape: header.shape, isWhole: header.type.isWhole };
}

async function readHeader(path: string): Promise<NpyHeader> {
  return parseNpyHeader(await readDatasetHead(path, npyHeaderBytesMax), path);
}

async function readArray(path: string): Promise<FileArray> {
  return { ...parseNpy(await readDatasetFile(path), path), at: path };
}
