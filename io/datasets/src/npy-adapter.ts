import { basename } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import { arrayDataset, checkClasses, refuseColumns } from "./array-dataset.ts";
import type { NpySource } from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { type NpyArray, npyHeaderBytesMax, parseNpy, parseNpyHeader } from "./npy.ts";
import { readDatasetFile, readDatasetHead } from "./read-dataset-file.ts";

/** Two NumPy files, one of inputs and one of labels. */
export const npyAdapter: DatasetAdapter<NpySource> = {
  async describe({ inputsPath, classes }) {
    checkClasses(classes);
    const head = await readDatasetHead(inputsPath, npyHeaderBytesMax);
    const [length = 0, ...inputShape] = parseNpyHeader(head, inputsPath).shape;
    return { kind: "array", length, inputShape, classes };
  },

  async open({ inputsPath, labelsPath, classes, scale = 1, name }, table) {
    checkClasses(classes);
    refuseColumns(table !== null, inputsPath);
    return arrayDataset({
      name: name ?? basename(inputsPath),
      classes,
      scale,
      inputs: parseNpy(await readDatasetFile(inputsPath), inputsPath),
      labels: wholeNumbers(parseNpy(await readDatasetFile(labelsPath), labelsPath), labelsPath),
      inputsAt: inputsPath,
      labelsAt: labelsPath,
    });
  },
};

/** @throws SelvedgeError `unsupported` for labels stored as fractions */
export function wholeNumbers(labels: NpyArray, at: string): NpyArray {
  if (labels.isWhole) return labels;
  throw new SelvedgeError("unsupported", "labels are stored as floating-point numbers", {
    at: `${at}: descr`,
    fix: "save labels.astype(numpy.int32)",
  });
}
