import { statfs } from "node:fs/promises";
import { fileError } from "./file-error.ts";

/** Bytes that this user may still write to the file system of a folder. @throws SelvedgeError as `fileError` */
export async function freeDiskBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (thrown) {
    throw fileError(thrown, folder);
  }
}
