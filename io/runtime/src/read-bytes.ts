import { readFile } from "node:fs/promises";
import { fileError } from "@selvedge/storage";

/** @throws SelvedgeError with the path */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (thrown) {
    throw fileError(thrown, path);
  }
}
