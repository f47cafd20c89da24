import { type BlobReference, type Digest, digestOf } from "@selvedge/protocol";
import {
  type BlobStore,
  checkReference,
  type FileBlobs,
  KeyedQueue,
  openMemoryBlobStore,
} from "@selvedge/storage";
import { diskFull } from "./simulated-disk.ts";
import type { SimulatedFiles } from "./simulated-files.ts";
import { type SimulatedStoreOptions, syncMs } from "./simulated-store.ts";

export type SimulatedBlobsOptions = Pick<SimulatedStoreOptions, "disk" | "process" | "random" | "name">;

/**
 * The blobs of a disk as one process uses them: the memory blob store, with the
 * steps in between that `FileBlobStore` takes (write a part, sync it, rename it, sync
 * the folder), so that it can be killed at each of them. Each takes time.
 */
export class SimulatedBlobStore implements FileBlobs {
  readonly #options: SimulatedBlobsOptions;
  readonly #files: SimulatedFiles;
  readonly #blobs: BlobStore;
  /** Writers of one digest take turns. */
  readonly #turns = new KeyedQueue();

  /** Finishes what was cut off after its last byte, as `openFileBlobStore` does. */
  constructor(options: SimulatedBlobsOptions) {
    this.#options = options;
    this.#files = options.disk.files;
    const { blobs, parts, synced } = this.#files;
    this.#blobs = openMemoryBlobStore({ blobs, uploads: parts });
    for (const [digest, bytes] of parts) {
      if (digestOf(bytes) !== digest) continue;
      blobs.set(digest, bytes);
      parts.delete(digest);
    }
    synced.clear();
  }

  put(bytes: Uint8Array): Promise<BlobReference> {
    const digest = digestOf(bytes);
    return this.#turn(digest, async () => {
      const stored = await this.#blobs.stat(digest);
      if (stored !== undefined) return stored;
      this.#write(digest, new Uint8Array(0), bytes);
      return this.#publish(digest, () => this.#blobs.put(bytes));
    });
  }

  append(reference: BlobReference, offset: number, chunk: Uint8Array): Promise<number> {
    const { digest, length } = reference;
    return this.#turn(digest, async () => {
      checkReference(reference);
      const received = this.#files.parts.get(digest) ?? new Uint8Array(0);
      const isLast = received.length === offset && offset + chunk.length === length;
      const isThere = this.#files.blobs.has(digest);
      if (isThere || received.length !== offset || offset + chunk.length > length)
        return this.#blobs.append(reference, offset, chunk);
      this.#write(digest, received, chunk);
      if (!isLast) return offset + chunk.length;
      return this.#publish(digest, () => {
        this.#files.parts.set(digest, received);
        return this.#blobs.append(reference, offset, chunk);
      });
    });
  }

  delete(digest: Digest): Promise<void> {
    return this.#turn(digest, async () => {
      const { blobs, removed, synced } = this.#files;
      const bytes = blobs.get(digest);
      await this.#blobs.delete(digest);
      synced.delete(digest);
      if (bytes === undefined) return;
      removed.set(digest, bytes);
      this.#options.process.after(journalMs, () => removed.delete(digest));
    });
  }

  stat: BlobStore["stat"] = (digest) => this.#slowly(() => this.#blobs.stat(digest));

  get: BlobStore["get"] = (digest, options) => this.#slowly(() => this.#blobs.get(digest, options));

  stream: BlobStore["stream"] = (digest, start, end) => this.#blobs.stream(digest, start, end);

  uploadOffset: BlobStore["uploadOffset"] = (digest) => this.#slowly(() => this.#blobs.uploadOffset(digest));

  list: BlobStore["list"] = () => this.#blobs.list();

  uploads: BlobStore["uploads"] = () => this.#blobs.uploads();

  pathOf(digest: Digest): string {
    return digest;
  }

  /** A disk that is full takes what still fits, and says so. */
  #write(digest: Digest, before: Uint8Array, chunk: Uint8Array): void {
    const { disk, name } = this.#options;
    const fitting = disk.isFull ? chunk.subarray(0, chunk.length >> 1) : chunk;
    this.#files.parts.set(digest, new Uint8Array(Buffer.concat([before, fitting])));
    this.#files.synced.delete(digest);
    this.#files.removed.delete(digest);
    if (disk.isFull) throw diskFull(`${name} ${digest}`);
  }

  /** The part is whole: from now on it is a blob, for good once the folder is synced. */
  async #publish<T>(digest: Digest, rename: () => Promise<T>): Promise<T> {
    const { disk, process, random } = this.#options;
    const { renamed, synced } = this.#files;
    await process.sleep(syncMs(disk, random));
    synced.add(digest);
    await process.sleep(random.integer(2));
    synced.delete(digest);
    const result = await rename();
    renamed.add(digest);
    await process.sleep(syncMs(disk, random));
    renamed.delete(digest);
    return result;
  }

  #turn<T>(digest: Digest, work: () => Promise<T>): Promise<T> {
    return this.#slowly(() => this.#turns.run(digest, () => this.#options.process.doing(work)));
  }

  async #slowly<T>(work: () => Promise<T>): Promise<T> {
    const { process, random } = this.#options;
    await process.sleep(random.integer(operationMsMax));
    return process.doing(work);
  }
}

const operationMsMax = 5;
/** A file system makes a removal durable within this time. */
const journalMs = 5_000;
