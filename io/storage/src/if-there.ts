import { stat } from "node:fs/promises";
import { fileError } from "./file-error.ts";

/**
 * What `reading` finds at `path`; undefined when nothing is there. What is
 * there and cannot be read is never taken for absent.
 *
 * @throws SelvedgeError as `fileError`.
 */
export async function ifThere<T>(path: string, reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (thrown) {
    const error = fileError(thrown, path);
    if (error.code === "not_found") return undefined;
    throw error;
  }
}

/** @throws SelvedgeError as `fileError`. */
export async function isThere(path: string): Promise<boolean> {
  return (await ifThere(path, stat(path))) !== undefined;
}
