import { limits, SelvedgeError } from "@selvedge/protocol";
import { Unzip, type UnzipFileInfo, UnzipInflate, unzipSync } from "fflate";
import { type NpyArray, type NpyHeader, npyHeaderBytesMax, parseNpy, parseNpyHeader } from "./npy.ts";

/**
 * Arrays of a NumPy archive: a ZIP file of .npy files, stored or deflated.
 *
 * @param path of the archive, for messages
 * @returns one array for each name, in their order
 * @throws SelvedgeError as `parseNpy`, and `failed_precondition` for an array that is not there
 */
export function parseNpz<const Names extends readonly string[]>(
  bytes: Uint8Array,
  names: Names,
  path: string,
): { readonly [Index in keyof Names]: NpyArray } {
  const files = unzip(bytes, names, path);
  const arrays = names.map((name) =>
    parseNpy(files[`${name}.npy`] ?? missingArray(name, path), `${path}: ${name}`),
  );
  // One for each name.
  return arrays as { readonly [Index in keyof Names]: NpyArray };
}

/**
 * The header of one array; undefined when it is not there. The archive is read no further than to
 * there, and nothing before it is unpacked.
 *
 * @throws SelvedgeError as `parseNpz`
 */
export async function readNpzHeader(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  path: string,
): Promise<NpyHeader | undefined> {
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
    for await (const chunk of chunks) {
      unzip.push(chunk);
      if (length >= npyHeaderBytesMax) break;
    }
  } catch (thrown) {
    throw notAnArchive(thrown, path);
  }
  if (!isArchive) throw notAnArchive(new Error("it holds no files"), path);
  if (parts.length === 0) return undefined;
  return parseNpyHeader(Buffer.concat(parts), `${path}: ${name}`);
}

function unzip(bytes: Uint8Array, names: readonly string[], path: string): Record<string, Uint8Array> {
  const wanted = new Set(names.map((name) => `${name}.npy`));
  const filter = (file: UnzipFileInfo): boolean => {
    if (!wanted.has(file.name)) return false;
    checkSize(file, path);
    return true;
  };
  try {
    return unzipSync(bytes, { filter });
  } catch (thrown) {
    throw notAnArchive(thrown, path);
  }
}

/** Memory is taken for the size the archive declares, and no more is ever written. */
function checkSize({ name, size, originalSize }: UnzipFileInfo, path: string): void {
  if (originalSize > limits.datasetFileBytesMax) {
    throw new SelvedgeError("too_large", `${name} has ${originalSize} bytes unpacked`, {
      at: path,
      fix: "split the dataset into smaller files",
    });
  }
  if (originalSize <= deflateRatioMax * size) return;
  throw new SelvedgeError("corrupt", `${size} bytes of ${name} cannot be ${originalSize} bytes unpacked`, {
    at: path,
  });
}

function notAnArchive(thrown: unknown, path: string): SelvedgeError {
  if (thrown instanceof SelvedgeError) return thrown;
  const { message } = SelvedgeError.from(thrown);
  return new SelvedgeError("corrupt", `not a .npz archive: ${message}`, { at: path, cause: thrown });
}

/** @throws SelvedgeError `failed_precondition`, always */
export function missingArray(name: string, path: string): never {
  throw new SelvedgeError("failed_precondition", `the archive has no array "${name}"`, {
    at: path,
    fix: "name the arrays as they were given to numpy.savez, in `inputs` and `labels`",
  });
}

/** 258 bytes for a length and a distance of one bit each (RFC 1951). */
const deflateRatioMax = 1_032;
