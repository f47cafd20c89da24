import { type FileHandle, open } from "node:fs/promises";
import { type ErrorCode, limits, SelvedgeError } from "@selvedge/protocol";

/**
 * A regular file of at most `limits.datasetFileBytesMax` bytes, open for reading; the caller closes it.
 *
 * @throws SelvedgeError `not_found`, `permission_denied`, `invalid_argument`
 *   (not a regular file), `too_large` or `unavailable`, naming the path
 */
export async function openDatasetFile(path: string): Promise<FileHandle> {
  const file = await open(path, "r").catch((thrown: unknown) => {
    throw readError(thrown, path);
  });
  try {
    const status = await file.stat();
    if (!status.isFile()) {
      throw new SelvedgeError("invalid_argument", "a dataset must be a regular file", { at: path });
    }
    if (status.size > limits.datasetFileBytesMax) {
      throw new SelvedgeError(
        "too_large",
        `the file has ${status.size} bytes; the limit is ${limits.datasetFileBytesMax}`,
        { at: path, fix: "split the dataset into smaller files" },
      );
    }
    return file;
  } catch (thrown) {
    await file.close();
    throw readError(thrown, path);
  }
}

/** The bytes of a dataset file as they come. @throws SelvedgeError as `openDatasetFile` */
export async function* datasetFileChunks(path: string): AsyncGenerator<Buffer> {
  await using file = await openDatasetFile(path);
  try {
    for await (const chunk of file.createReadStream({ autoClose: false })) yield chunk as Buffer;
  } catch (thrown) {
    throw readError(thrown, path);
  }
}

/** What a failed read of a dataset file becomes. */
export function readError(thrown: unknown, path: string): SelvedgeError {
  if (thrown instanceof SelvedgeError) return thrown;
  const cause = thrown as NodeJS.ErrnoException;
  const code = codes[cause.code ?? ""] ?? "unavailable";
  return new SelvedgeError(code, `cannot read the file: ${cause.message}`, { at: path, cause });
}

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "not_found",
  EACCES: "permission_denied",
  // Node's permission model.
  ERR_ACCESS_DENIED: "permission_denied",
};
