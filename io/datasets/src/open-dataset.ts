import { basename } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import type { Dataset, DatasetSource, IdxSource } from "./dataset.ts";
import { parseIdx } from "./idx.ts";
import { readDatasetFile } from "./read-dataset-file.ts";

/**
 * Reads and checks a whole dataset: as many labels as examples, at least one,
 * every label below `classes`.
 *
 * @throws SelvedgeError naming the file and field: `corrupt`, `unsupported`,
 *   `too_large`, `not_found`, `permission_denied`, `invalid_argument`
 */
export async function openDataset(source: DatasetSource): Promise<Dataset> {
  switch (source.format) {
    case "idx":
      return openIdx(source);
    default:
      // Sources cross process borders as plain data, so the type is no proof.
      throw new SelvedgeError("unsupported", `unknown dataset format: ${String(source.format)}`, {
        at: "dataset source: format",
        fix: 'use "idx"',
      });
  }
}

/** Images keep the shape of the file: [28, 28] for MNIST. `scale` is 1/255. */
async function openIdx(source: IdxSource): Promise<Dataset> {
  const { imagesPath, labelsPath, classes } = source;
  if (!Number.isInteger(classes) || classes < 1) {
    throw new SelvedgeError("invalid_argument", `classes is ${classes}, not a positive integer`, {
      at: "dataset source: classes",
    });
  }
  const images = parseIdx(await readDatasetFile(imagesPath), imagesPath);
  const labels = parseIdx(await readDatasetFile(labelsPath), labelsPath);
  const [length = 0, ...inputShape] = images.shape;
  if (length === 0) {
    throw new SelvedgeError("corrupt", "the file holds no examples", { at: `${imagesPath}: dimension 0` });
  }
  if (labels.shape.length !== 1 || labels.values.length !== length) {
    throw new SelvedgeError(
      "corrupt",
      `labels of shape [${labels.shape.join(", ")}] do not match ${length} images of ${imagesPath}`,
      { at: `${labelsPath}: dimensions`, fix: "give the images and labels of the same set" },
    );
  }
  checkLabels(labels.values, classes, labelsPath);
  return {
    name: source.name ?? basename(imagesPath),
    length,
    inputShape,
    classes,
    inputs: images.values,
    scale: 1 / 255,
    labels: Int32Array.from(labels.values),
  };
}

function checkLabels(labels: Uint8Array, classes: number, at: string): void {
  const index = labels.findIndex((label) => label >= classes);
  if (index === -1) return;
  throw new SelvedgeError("corrupt", `label ${labels[index]} of example ${index} is not below ${classes}`, {
    at: `${at}: values`,
    fix: "set `classes` to one more than the largest label",
  });
}
