import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOf, SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";

/**
 * Bytes in files named by digest, for processes of this machine. It outlives a killed process, not a
 * power cut: what that damaged is found when it is read.
 */
export class BlobFolder {
  readonly #path: string;
  readonly #known = new Set<Digest>();
  readonly #writing = new Map<Digest, Promise<void>>();

  /** @param path made when something is put there */
  constructor(path: string) {
    this.#path = path;
  }

  /** What was put or read here, and not deleted since. */
  get known(): readonly Digest[] {
    return [...this.#known];
  }

  pathOf(digest: Digest): string {
    return join(this.#path, digest.slice("sha256:".length));
  }

  has(digest: Digest): boolean {
    return this.#known.has(digest);
  }

  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    if (this.#known.has(digest)) return;
    const under = this.#writing.get(digest);
    if (under !== undefined) return under;
    const writing = this.#write(digest, bytes).finally(() => this.#writing.delete(digest));
    this.#writing.set(digest, writing);
    return writing;
  }

  /** @throws SelvedgeError `not_found`, or `corrupt` when these are other bytes */
  async get(digest: Digest): Promise<Uint8Array> {
    const path = this.pathOf(digest);
    const bytes = await readFile(path).catch((thrown: unknown) => {
      throw fileError(thrown, path);
    });
    if (digestOf(bytes) === digest) {
      this.#known.add(digest);
      return bytes;
    }
    throw new SelvedgeError("corrupt", "the file is not what its name says", {
      at: path,
      fix: "begin the simulation anew, in another folder",
    });
  }

  async delete(digest: Digest): Promise<void> {
    this.#known.delete(digest);
    await rm(this.pathOf(digest), { force: true });
  }

  async #write(digest: Digest, bytes: Uint8Array): Promise<void> {
    const path = this.pathOf(digest);
    const part = `${path}.part`;
    try {
      await mkdir(this.#path, { recursive: true });
      await writeFile(part, bytes);
      await rename(part, path);
    } catch (thrown) {
      throw fileError(thrown, path);
    }
    this.#known.add(digest);
  }
}
