import { access, constants } from "node:fs/promises";
import { fileError } from "./file-error.ts";

/**
 * Asks whether a folder can still be read and written, without writing to it: flash wears out.
 *
 * @throws SelvedgeError that names the folder, also when its file system was made read-only
 */
export async function checkFolder(path: string): Promise<void> {
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK).catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
}
