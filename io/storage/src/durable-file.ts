import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Replaces a file so that, after a crash at any point, a reader sees the old
 * bytes or the new ones: temporary file, fsync, rename, fsync of the folder.
 * One writer per path at a time.
 *
 * @param mode - permission bits of the new file; by default only its owner reads it.
 */
export async function writeFileDurably(
  path: string,
  content: Uint8Array | string,
  mode: number = 0o600,
): Promise<void> {
  const temporary = `${path}.tmp`;
  // What a crash left behind may have other permissions, so it is not reused.
  await rm(temporary, { force: true });
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncPath(dirname(path));
}

/** fsync of a file or a folder. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
