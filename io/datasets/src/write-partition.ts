import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import type { LabelledIdxSource } from "./dataset.ts";
import { encodeIdx, type IdxArray, parseIdx } from "./idx.ts";
import { readDatasetFile } from "./read-dataset-file.ts";

/** A part of a dataset and the folder it goes to. */
export interface PartitionTarget {
  /** Indices of examples, in the order they are written. */
  readonly indices: Int32Array;
  readonly folder: string;
}

/**
 * Copies each part of an IDX dataset into its own folder, as `images.idx` and
 * `labels.idx`, readable by the owner alone: it stands for data that was born
 * there. Folders are made; files already there are replaced.
 *
 * @returns the source of each part, in the order of `targets`
 * @throws SelvedgeError `out_of_range` for an index the dataset does not have,
 *   and what reading the source throws
 */
export async function writePartition(
  source: LabelledIdxSource,
  targets: readonly PartitionTarget[],
): Promise<LabelledIdxSource[]> {
  const images = parseIdx(await readDatasetFile(source.imagesPath), source.imagesPath);
  const labels = parseIdx(await readDatasetFile(source.labelsPath), source.labelsPath);
  const written: LabelledIdxSource[] = [];
  for (const { indices, folder } of targets) {
    const imagesPath = join(folder, "images.idx");
    const labelsPath = join(folder, "labels.idx");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(imagesPath, encodeIdx(selectRows(images, indices, source.imagesPath)), { mode: 0o600 });
    await writeFile(labelsPath, encodeIdx(selectRows(labels, indices, source.labelsPath)), { mode: 0o600 });
    written.push({ ...source, imagesPath, labelsPath });
  }
  return written;
}

function selectRows(array: IdxArray, indices: Int32Array, at: string): IdxArray {
  const [length = 0, ...rowShape] = array.shape;
  const rowSize = rowShape.reduce((product, dimension) => product * dimension, 1);
  const values = new Uint8Array(indices.length * rowSize);
  for (const [row, index] of indices.entries()) {
    if (index < 0 || index >= length) {
      throw new SelvedgeError("out_of_range", `example ${index} is not one of ${length}`, { at });
    }
    values.set(array.values.subarray(index * rowSize, (index + 1) * rowSize), row * rowSize);
  }
  return { shape: [indices.length, ...rowShape], values };
}
