import { basename } from "node:path";
import { limits, SelvedgeError } from "@selvedge/protocol";
import { Unzip, type UnzipFileInfo, UnzipInflate, unzipSync } from "fflate";
import { arrayDataset, checkClasses, refuseColumns } from "./array-dataset.ts";
import type { NpzSource } from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { type NpyArray, npyHeaderBytesMax, parseNpy, parseNpyHeader } from "./npy.ts";
import { wholeNumbers } from "./npy-adapter.ts";
import { datasetFileChunks } from "./open-dataset-file.ts";
import { readDatasetFile } from "./read-dataset-file.ts";

/** One NumPy archive: a ZIP file of .npy files, stored or deflated. */
export const npzAdapter: DatasetAdapter<NpzSource> = {
  async describe(source) {
    checkClasses(source.classes);
    const head = await readHead(source.path, source.inputs);
    const [length = 0, ...inputShape] = parseNpyHeader(head, `${source.path}: ${source.inputs}`).shape;
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

/** The beginning of one array, at least its header: the archive is read no further than to there. */
async function readHead(path: string, name: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  let isArchive = false;
  const unzip = new Unzip((file) => {
    isArchive = true;
    if (file.name !== `${name}.npy`) return;
    file.ondata = (error, data) => {
      if (error !== null) throw error;
      parts.push(data);
      length += data.length;
    };
    file.start();
  });
  unzip.register(UnzipInflate);
  try {
    for await (const chunk of datasetFileChunks(path)) {
      unzip.push(chunk);
      if (length >= npyHeaderBytesMax) break;
    }
  } catch (thrown) {
    throw notAnArchive(thrown, path);
  }
  if (!isArchive) throw notAnArchive(new Error("it holds no files"), path);
  return parts.length === 0 ? missing(name, path) : Buffer.concat(parts);
}

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
    throw notAnArchive(thrown, path);
  }
}

function notAnArchive(thrown: unknown, path: string): SelvedgeError {
  if (thrown instanceof SelvedgeError) return thrown;
  const { message } = SelvedgeError.from(thrown);
  return new SelvedgeError("corrupt", `not a .npz archive: ${message}`, { at: path, cause: thrown });
}

function missing(name: string, path: string): never {
  throw new SelvedgeError("failed_precondition", `the archive has no array "${name}"`, {
    at: path,
    fix: "name the arrays as they were given to numpy.savez, in `inputs` and `labels`",
  });
}
