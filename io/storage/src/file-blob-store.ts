import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type BlobReference,
  type Digest,
  digestOf,
  isDigest,
  limits,
  parseDigest,
  SelvedgeError,
} from "@selvedge/protocol";
import {
  blobCorrupt,
  blobNotFound,
  checkAppend,
  checkFitsInMemory,
  checkRange,
  checkReference,
  isComplete,
} from "./blob-checks.ts";
import type { BlobStore, GetOptions } from "./blob-store.ts";
import { syncPath } from "./durable-file.ts";
import { errnoOf, fileError } from "./file-error.ts";
import { ifThere } from "./if-there.ts";
import { KeyedQueue } from "./keyed-queue.ts";

export interface FileBlobStoreOptions {
  /** Folder of the store; made when absent. */
  readonly root: string;
  /** Uploads untouched for longer are dropped when the store is opened, ms; default 7 days. */
  readonly uploadAgeMsMax?: number;
}

const partSuffix = ".part";

/** Blobs that other programs may read as files. */
export interface FileBlobs extends BlobStore {
  /** Where a blob lies, or would lie; it must not be written to. */
  pathOf(digest: Digest): string;
}

/**
 * Blobs as files: `blobs/ab/<64 hex digits>`, unfinished uploads in `uploads/<64 hex digits>.part`.
 * An upload that was cut off after its last byte is finished here.
 * @throws SelvedgeError `permission_denied`, `resource_exhausted`, `failed_precondition`
 */
export async function openFileBlobStore({
  root,
  uploadAgeMsMax = 7 * 24 * 3_600_000,
}: FileBlobStoreOptions): Promise<FileBlobs> {
  const store = new FileBlobStore(root);
  try {
    await store.recover(Date.now() - uploadAgeMsMax);
  } catch (thrown) {
    throw fileError(thrown, root);
  }
  return store;
}

class FileBlobStore implements FileBlobs {
  readonly #blobs: string;
  readonly #uploads: string;
  /** Writers of one digest take turns. */
  readonly #turns = new KeyedQueue();

  constructor(root: string) {
    this.#blobs = join(root, "blobs");
    this.#uploads = join(root, "uploads");
  }

  async recover(keepSinceMs: number): Promise<void> {
    await mkdir(this.#blobs, { recursive: true, mode: 0o700 });
    await mkdir(this.#uploads, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#uploads)) {
      const digest = digestOfPart(name);
      if (digest === undefined) continue;
      const part = this.#partPath(digest);
      if ((await stat(part)).mtimeMs < keepSinceMs) await rm(part);
      else if ((await hashFile(part)) === digest) await this.#publish(digest);
    }
  }

  async put(bytes: Uint8Array): Promise<BlobReference> {
    const reference = { digest: digestOf(bytes), length: bytes.length };
    checkReference(reference);
    const { digest } = reference;
    return this.#turn(digest, async () => {
      if ((await this.stat(digest)) !== undefined) return reference;
      await writeAt(this.#partPath(digest), 0, bytes);
      await this.#finish(reference);
      return reference;
    });
  }

  pathOf(digest: Digest): string {
    return this.#blobPath(digest);
  }

  async stat(digest: Digest): Promise<BlobReference | undefined> {
    const length = await sizeOf(this.#blobPath(digest));
    return length === undefined ? undefined : { digest, length };
  }

  async get(
    digest: Digest,
    { bytesMax = limits.blobInMemoryBytesMax }: GetOptions = {},
  ): Promise<Uint8Array> {
    const reference = await this.stat(digest);
    if (reference === undefined) throw blobNotFound(digest);
    checkFitsInMemory(reference, bytesMax);
    const bytes = new Uint8Array(reference.length);
    const hash = createHash("sha256");
    let at = 0;
    for await (const chunk of this.stream(digest, 0, reference.length)) {
      bytes.set(chunk, at);
      at += chunk.length;
      hash.update(chunk);
    }
    if (`sha256:${hash.digest("hex")}` === digest) return bytes;
    throw blobCorrupt(digest, "delete it and fetch it again; check the disk");
  }

  async *stream(digest: Digest, start: number, end: number): AsyncIterable<Uint8Array> {
    const path = this.#blobPath(digest);
    let file: FileHandle | undefined;
    try {
      file = await open(path, "r");
      checkRange({ digest, length: (await file.stat()).size }, start, end);
      yield* readChunks(file, start, end);
    } catch (thrown) {
      throw errnoOf(thrown) === "ENOENT" ? blobNotFound(digest) : fileError(thrown, path);
    } finally {
      await file?.close();
    }
  }

  async delete(digest: Digest): Promise<void> {
    const blob = this.#blobPath(digest);
    await this.#turn(digest, async () => {
      await rm(blob, { force: true });
      await rm(this.#partPath(digest), { force: true });
    });
  }

  async uploadOffset(digest: Digest): Promise<number> {
    return (await sizeOf(this.#partPath(digest))) ?? 0;
  }

  async append(reference: BlobReference, offset: number, chunk: Uint8Array): Promise<number> {
    checkReference(reference);
    const { digest, length } = reference;
    return this.#turn(digest, async () => {
      const whole = await this.stat(digest);
      if (whole !== undefined) return whole.length;
      const standing = await this.uploadOffset(digest);
      if (isComplete(standing, length)) {
        await this.#finish(reference);
        return length;
      }
      checkAppend(reference, offset, chunk.length, standing);
      await writeAt(this.#partPath(digest), offset, chunk);
      if (offset + chunk.length === length) await this.#finish(reference);
      return offset + chunk.length;
    });
  }

  async *list(): AsyncIterable<BlobReference> {
    for (const folder of await entriesIn(this.#blobs)) {
      // Others may have left files and folders of their own.
      if (folder.isFile() || !/^[0-9a-f]{2}$/.test(folder.name)) continue;
      for (const { name } of await entriesIn(join(this.#blobs, folder.name))) {
        const digest = `sha256:${name}`;
        const reference = isDigest(digest) ? await this.stat(digest) : undefined;
        if (reference !== undefined) yield reference;
      }
    }
  }

  async *uploads(): AsyncIterable<BlobReference> {
    for (const { name } of await entriesIn(this.#uploads)) {
      const digest = digestOfPart(name);
      const length = digest && (await sizeOf(this.#partPath(digest)));
      if (digest !== undefined && length !== undefined) yield { digest, length };
    }
  }

  /** Hashes what is on the disk, not what passed through memory. */
  async #finish({ digest }: BlobReference): Promise<void> {
    const part = this.#partPath(digest);
    if ((await hashFile(part)) !== digest) {
      await rm(part, { force: true });
      throw blobCorrupt(digest, "upload it again from the start");
    }
    await this.#publish(digest);
  }

  async #publish(digest: Digest): Promise<void> {
    const blob = this.#blobPath(digest);
    await syncPath(this.#partPath(digest));
    if ((await mkdir(dirname(blob), { recursive: true, mode: 0o700 })) !== undefined) {
      await syncPath(this.#blobs);
    }
    await rename(this.#partPath(digest), blob);
    await syncPath(dirname(blob));
  }

  #turn<T>(digest: Digest, task: () => Promise<T>): Promise<T> {
    return this.#turns.run(digest, task).catch((thrown: unknown) => {
      throw fileError(thrown, this.#partPath(digest));
    });
  }

  /** The only two places where a path is made, and both from a checked digest. */
  #blobPath(digest: Digest): string {
    const hex = parseDigest(digest, "blob digest").slice("sha256:".length);
    return join(this.#blobs, hex.slice(0, 2), hex);
  }

  #partPath(digest: Digest): string {
    const hex = parseDigest(digest, "blob digest").slice("sha256:".length);
    return join(this.#uploads, `${hex}${partSuffix}`);
  }
}

/** undefined for a file that is not an upload of ours. */
function digestOfPart(name: string): Digest | undefined {
  const digest = `sha256:${name.slice(0, -partSuffix.length)}`;
  return name.endsWith(partSuffix) && isDigest(digest) ? digest : undefined;
}

/** Writes all of `bytes`; at offset 0 whatever an earlier upload left behind goes. */
async function writeAt(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, offset === 0 ? "w" : "r+", 0o600);
  try {
    for (let at = 0; at < bytes.length; ) {
      at += (await file.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
    }
  } finally {
    await file.close();
  }
}

async function* readChunks(file: FileHandle, start: number, end: number): AsyncIterable<Uint8Array> {
  for (let at = start; at < end; ) {
    const chunk = new Uint8Array(Math.min(limits.blobChunkBytes, end - at));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) {
      throw new SelvedgeError("corrupt", `the file ended at byte ${at}`, { fix: "check the disk" });
    }
    yield chunk.subarray(0, bytesRead);
    at += bytesRead;
  }
}

async function hashFile(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const hash = createHash("sha256");
    for await (const chunk of readChunks(file, 0, (await file.stat()).size)) hash.update(chunk);
    return `sha256:${hash.digest("hex")}`;
  } finally {
    await file.close();
  }
}

/** What is in a folder, by name. */
async function entriesIn(folder: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (thrown) {
    throw fileError(thrown, folder);
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await ifThere(path, stat(path)))?.size;
}
