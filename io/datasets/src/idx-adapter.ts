import { basename } from "node:path";
import { arrayDataset, checkClasses, refuseColumns } from "./array-dataset.ts";
import type { IdxSource } from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { idxHeaderBytesMax, parseIdx, parseIdxShape } from "./idx.ts";
import { readDatasetFile, readDatasetHead } from "./read-dataset-file.ts";

/** Images keep the shape of the file: [28, 28] for MNIST. `scale` is 1/255. */
export const idxAdapter: DatasetAdapter<IdxSource> = {
  async describe({ imagesPath, classes }) {
    checkClasses(classes);
    const [length = 0, ...inputShape] = parseIdxShape(
      await readDatasetHead(imagesPath, idxHeaderBytesMax),
      imagesPath,
    );
    return { kind: "array", length, inputShape, classes };
  },

  async open({ imagesPath, labelsPath, classes, name }, table) {
    checkClasses(classes);
    refuseColumns(table !== null, imagesPath);
    return arrayDataset({
      name: name ?? basename(imagesPath),
      classes,
      scale: 1 / 255,
      inputs: parseIdx(await readDatasetFile(imagesPath), imagesPath),
      labels: parseIdx(await readDatasetFile(labelsPath), labelsPath),
      inputsAt: imagesPath,
      labelsAt: labelsPath,
    });
  },
};
