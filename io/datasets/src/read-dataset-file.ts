import { open } from "node:fs/promises";
import { type ErrorCode, limits, SelvedgeError } from "@selvedge/protocol";

/**
 * A whole regular file of at most `limits.datasetFileBytesMax` bytes.
 *
 * @throws SelvedgeError `not_found`, `permission_denied`, `invalid_argument`
 *   (not a regular file), `too_large` or `unavailable`, naming the path
 */
export async function readDatasetFile(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path, "r");
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
    return await file.readFile();
  } catch (error) {
    if (error instanceof SelvedgeError) throw error;
    const cause = error as NodeJS.ErrnoException;
    throw new SelvedgeError(
      codes[cause.code ?? ""] ?? "unavailable",
      `cannot read the file: ${cause.message}`,
      {
        at: path,
        cause,
      },
    );
  }
}

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "not_found",
  EACCES: "permission_denied",
  // Node's permission model.
  ERR_ACCESS_DENIED: "permission_denied",
};
