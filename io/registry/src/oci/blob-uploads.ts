import { createHash, type Hash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { type BlobReference, type Digest, limits } from "@selvedge/protocol";
import { type BlobStore, fileError, KeyedQueue, type Timers } from "@selvedge/storage";
import { DistributionError } from "./distribution-error.ts";

export interface BlobUploadsOptions {
  /** Its own; emptied when it is opened. */
  readonly folder: string;
  readonly blobs: BlobStore;
  /** Keeps a blob a while, though no manifest names it yet. */
  hold(digest: Digest): Promise<void>;
  readonly timers: Pick<Timers, "after">;
}

/**
 * Uploads whose digest is only told at their end, as registries take them. They
 * gather in a file, and become a blob when their digest is right; a
 * restart ends them, and an hour in which nothing comes.
 */
export class BlobUploads {
  readonly #options: BlobUploadsOptions;
  readonly #uploads = new Map<string, Upload>();
  /** Of those that begin: their files are being made. */
  #beginning = 0;
  /** Equal blobs become one, one after the other. */
  readonly #turns = new KeyedQueue();

  private constructor(options: BlobUploadsOptions) {
    this.#options = options;
  }

  /** @throws SelvedgeError as `fileError`. */
  static async open(options: BlobUploadsOptions): Promise<BlobUploads> {
    const { folder } = options;
    try {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (thrown) {
      throw fileError(thrown, folder);
    }
    return new BlobUploads(options);
  }

  /** @throws DistributionError `DENIED` when too many are under way. */
  async begin(repository: string): Promise<string> {
    if (this.#uploads.size + this.#beginning >= limits.imageUploadsMax) {
      throw new DistributionError("DENIED", `${limits.imageUploadsMax} uploads are under way`, {
        fix: "try again later",
      });
    }
    this.#beginning += 1;
    try {
      const id = randomUUID();
      const upload = await openUpload(repository, join(this.#options.folder, id));
      this.#uploads.set(id, upload);
      this.#rest(id, upload);
      return id;
    } finally {
      this.#beginning -= 1;
    }
  }

  /** Bytes that have arrived. */
  lengthOf(repository: string, id: string): number {
    return this.#find(repository, id).length;
  }

  /**
   * @param start - where the bytes begin, when the caller says so.
   * @returns the bytes that have arrived.
   * @throws DistributionError `BLOB_UPLOAD_UNKNOWN`, `BLOB_UPLOAD_INVALID` for bytes out of order, `SIZE_INVALID`.
   */
  async append(
    repository: string,
    id: string,
    body: AsyncIterable<Uint8Array>,
    start?: number,
  ): Promise<number> {
    const upload = this.#findAtRest(repository, id);
    if (start !== undefined && start !== upload.length)
      throw outOfOrder(`it stands at byte ${upload.length}`);
    upload.isBusy = true;
    upload.cancelDrop();
    try {
      for await (const chunk of body) await appendChunk(upload, chunk);
    } catch (thrown) {
      throw fileError(thrown, upload.path);
    } finally {
      upload.isBusy = false;
      this.#rest(id, upload);
    }
    return upload.length;
  }

  /**
   * Ends an upload: its bytes become a blob.
   *
   * @throws DistributionError `BLOB_UPLOAD_UNKNOWN`, `DIGEST_INVALID` when they are others than announced.
   */
  async finish(repository: string, id: string, digest: Digest): Promise<BlobReference> {
    const upload = this.#findAtRest(repository, id);
    upload.isBusy = true;
    upload.cancelDrop();
    try {
      if (`sha256:${upload.hash.digest("hex")}` !== digest || upload.length === 0) {
        throw new DistributionError(
          "DIGEST_INVALID",
          `the ${upload.length} bytes that came are not ${digest}`,
        );
      }
      const reference = { digest, length: upload.length };
      await this.#options.hold(digest);
      await this.#turns.run(digest, () => store(this.#options.blobs, reference, upload.path));
      return reference;
    } finally {
      await this.#drop(id);
    }
  }

  /**
   * All of it at once: what breaks off is not gone on with, since nobody was told of an upload.
   *
   * @throws DistributionError as `begin`, `append` and `finish`.
   */
  async take(repository: string, digest: Digest, body: AsyncIterable<Uint8Array>): Promise<BlobReference> {
    const id = await this.begin(repository);
    try {
      await this.append(repository, id, body);
      return await this.finish(repository, id, digest);
    } finally {
      await this.#drop(id);
    }
  }

  /** @throws DistributionError `BLOB_UPLOAD_UNKNOWN`, `BLOB_UPLOAD_INVALID` while a request writes to it. */
  async cancel(repository: string, id: string): Promise<void> {
    this.#findAtRest(repository, id);
    await this.#drop(id);
  }

  #find(repository: string, id: string): Upload {
    const upload = this.#uploads.get(id);
    if (upload?.repository === repository) return upload;
    throw new DistributionError("BLOB_UPLOAD_UNKNOWN", "there is no such upload", { fix: "begin it again" });
  }

  #findAtRest(repository: string, id: string): Upload {
    const upload = this.#find(repository, id);
    if (upload.isBusy) throw outOfOrder("another request writes to it");
    return upload;
  }

  /** Until it is written to again, and not for long. */
  #rest(id: string, upload: Upload): void {
    // Dropped while it was written to.
    if (!this.#uploads.has(id)) return;
    upload.cancelDrop = this.#options.timers.after(idleMsMax, () => {
      // A file that cannot be deleted goes at the next start.
      this.#drop(id).catch(() => {});
    });
  }

  async #drop(id: string): Promise<void> {
    const upload = this.#uploads.get(id);
    if (upload === undefined) return;
    this.#uploads.delete(id);
    upload.cancelDrop();
    await upload.file.close();
    await rm(upload.path, { force: true });
  }

  /** Unfinished ones are dropped. */
  async close(): Promise<void> {
    for (const id of this.#uploads.keys()) await this.#drop(id);
  }
}

interface Upload {
  readonly repository: string;
  readonly path: string;
  readonly file: FileHandle;
  readonly hash: Hash;
  length: number;
  /** Whether a request writes to it. */
  isBusy: boolean;
  /** Calls off that it is dropped for being idle. */
  cancelDrop(): void;
}

async function openUpload(repository: string, path: string): Promise<Upload> {
  const file = await open(path, "wx", 0o600).catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
  return { repository, path, file, hash: createHash("sha256"), length: 0, isBusy: false, cancelDrop() {} };
}

async function appendChunk(upload: Upload, chunk: Uint8Array): Promise<void> {
  if (upload.length + chunk.length > limits.blobBytesMax) {
    throw new DistributionError("SIZE_INVALID", `a blob may have at most ${limits.blobBytesMax} bytes`);
  }
  for (let at = 0; at < chunk.length; ) {
    const rest = chunk.length - at;
    at += (await upload.file.write(chunk, at, rest, upload.length + at)).bytesWritten;
  }
  upload.hash.update(chunk);
  upload.length += chunk.length;
}

async function store(blobs: BlobStore, reference: BlobReference, path: string): Promise<void> {
  let offset = await blobs.uploadOffset(reference.digest);
  const chunks = createReadStream(path, { start: offset, highWaterMark: limits.blobChunkBytes });
  for await (const chunk of chunks) offset = await blobs.append(reference, offset, chunk);
}

function outOfOrder(why: string): DistributionError {
  return new DistributionError("BLOB_UPLOAD_INVALID", `the upload does not go on here: ${why}`);
}

const idleMsMax = 3_600_000;
