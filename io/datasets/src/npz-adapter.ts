import { basename } from "node:path";
import { limits, SelvedgeError } from "@selvedge/protocol";
import { type UnzipFileInfo, unzipSync } from "fflate";
import { arrayDataset, checkClasses, refuseColumns } from "./array-dataset.ts";
import type { NpzSource } from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { type NpyArray, parseNpy } from "./npy.ts";
import { wholeNumbers } from "./npy-adapter.ts";
import { readDatasetFile } from "./read-dataset-file.ts";

/** One NumPy archive: a ZIP file of .npy files, stored or deflated. */
export const npzAdapter: DatasetAdapter<NpzSource> = {
  async describe(source) {
    checkClasses(source.classes);
    const [inputs] = await readArrays(source, [source.inputs]);
    const [length = 0, ...inputShape] = inputs?.shape ?? [];
    return { kind: "array", length, inputShape, classes: source.classes };
  },

  async open(source, table) {
    const { path, classes, scale = 1, name } = source;
    checkClasses(classes);
    refuseColumns(table !== null, path);
    const [inputsAt, labelsAt] = [`${path}: ${source.inputs}`, `${path}: ${source.labels}`];
    const [inputs, labels] = await readArrays(source, [source.inputs, source.labels]);
    if (inputs === undefined || labels === undefined) throw new TypeError("readArrays reads all or throws");
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

async function readArrays({ path }: NpzSource, names: readonly string[]): Promise<NpyArray[]> {
  const entries = unzip(await readDatasetFile(path), names, path);
  return names.map((name) => parseNpy(entries[`${name}.npy`] ?? missing(name, path), `${path}: ${name}`));
}

function unzip(bytes: Uint8Array, names: readonly string[], path: string): Record<string, Uint8Array> {
  const wanted = new Set(names.map((name) => `${name}.npy`));
  const filter = ({ name, originalSize }: UnzipFileInfo): boolean => {
    if (!wanted.has(name)) return false;
    // Memory is taken for the size the archive declares, and no more is ever written.
    if (originalSize <= limits.datasetFileBytesMax) return true;
    throw new SelvedgeError("too_large", `${name} has ${originalSize} bytes unpacked`, {
      at: path,
      fix: "split the dataset into smaller files",
    });
  };
  try {
    return unzipSync(bytes, { filter });
  } catch (thrown) {
    if (thrown instanceof SelvedgeError) throw thrown;
    const { message } = SelvedgeError.from(thrown);
    throw new SelvedgeError("corrupt", `not a .npz archive: ${message}`, { at: path, cause: thrown });
  }
}

function missing(name: string, path: string): never {
  throw new SelvedgeError("failed_precondition", `the archive has no array "${name}"`, {
    at: path,
    fix: "name the arrays as they were given to numpy.savez, in `inputs` and `labels`",
  });
}
