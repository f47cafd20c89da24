import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileError, ifThere, writeFileDurably } from "@selvedge/storage";

/** PEM files only this user reads; each is replaced whole or not at all. */
export interface KeyFolder {
  readonly path: string;
  /** @returns undefined when there is no such file. */
  read(name: string): Promise<string | undefined>;
  write(name: string, pem: string): Promise<void>;
  /** Does nothing when there is no such file. */
  remove(name: string): Promise<void>;
}

/**
 * Creates the folder when it is missing, mode 0700.
 *
 * @throws SelvedgeError as `fileError` says, here and in each method.
 */
export async function openKeyFolder(path: string): Promise<KeyFolder> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
  return {
    path,
    read(name) {
      const file = join(path, name);
      return ifThere(file, readFile(file, "utf8"));
    },
    write: (name, pem) => writeFileDurably(join(path, name), pem, 0o600),
    async remove(name) {
      await rm(join(path, name), { force: true }).catch((thrown: unknown) => {
        throw fileError(thrown, join(path, name));
      });
    },
  };
}
