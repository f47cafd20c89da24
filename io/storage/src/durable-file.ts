import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError } from "./file-error.ts";

/**
 * Replaces a file so that, after a crash at any point, a reader sees the old
 * bytes or the new ones: temporary file, fsync, rename, fsync of the folder.
 * One writer per path at a time.
 *
 * @param mode - permission bits of the new file; by default only its owner reads it.
 * @throws SelvedgeError `permission_denied`, `resource_exhausted`, `not_found`
 */
export async function writeFileDurably(
  path: string,
  content: Uint8Array | string,
  mode: number = 0o600,
): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    // What a crash left behind may have other permissions, so it is not reused.
    await rm(temporary, { force: true });
    await writeAndSync(temporary, content, mode);
    await rename(temporary, path);
    await syncPath(dirname(path));
  } catch (thrown) {
    throw fileError(thrown, path);
  }
}

async function writeAndSync(path: string, content: Uint8Array | string, mode: number): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** fsync of a folder: what was renamed in it is durable. @throws SelvedgeError as `writeFileDurably` */
export async function syncFolder(path: string): Promise<void> {
  await syncPath(path).catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
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
