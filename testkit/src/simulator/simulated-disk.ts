import type { SeededRandom } from "@selvedge/protocol";
import {
  type BlobStore,
  type MemoryBlobs,
  type MemoryRecords,
  openMemoryBlobStore,
  openMemoryStore,
  type Store,
  type Transaction,
} from "@selvedge/storage";
import type { SimulatedProcess } from "./simulated-process.ts";

/** What survives the end of a process. */
export interface SimulatedDisk {
  readonly records: MemoryRecords;
  readonly blobs: MemoryBlobs;
}

export function emptyDisk(): SimulatedDisk {
  return { records: new Map(), blobs: { blobs: new Map(), uploads: new Map() } };
}

/** The records of a disk as one process uses them: commits take time, and are lost when it ends before they are done. */
export function openSimulatedStore(
  disk: SimulatedDisk,
  process: SimulatedProcess,
  random: SeededRandom,
): Store {
  const store = openMemoryStore(disk.records);
  let last: Promise<void> = Promise.resolve();
  const commit = async (before: Promise<void>, transaction: Transaction): Promise<void> => {
    await before;
    await process.sleep(random.integer(operationMsMax));
    await process.doing(() => store.commit(transaction));
  };
  return {
    read: (key) => process.doing(() => store.read(key)),
    list: (prefix, options) => process.doing(() => store.list(prefix, options)),
    commit(transaction) {
      const done = commit(last, transaction);
      // A commit that fails is its caller's business, not that of the next.
      last = done.catch(() => undefined);
      return done;
    },
    close: () => store.close(),
  };
}

/** The blobs of a disk as one process uses them: each operation takes time, so that they overtake each other. */
export function openSimulatedBlobs(
  disk: SimulatedDisk,
  process: SimulatedProcess,
  random: SeededRandom,
): BlobStore {
  const blobs = openMemoryBlobStore(disk.blobs);
  const slowly = async <T>(work: () => Promise<T>): Promise<T> => {
    await process.sleep(random.integer(operationMsMax));
    return process.doing(work);
  };
  return {
    put: (bytes) => slowly(() => blobs.put(bytes)),
    stat: (digest) => slowly(() => blobs.stat(digest)),
    get: (digest, options) => slowly(() => blobs.get(digest, options)),
    stream: (digest, start, end) => blobs.stream(digest, start, end),
    delete: (digest) => slowly(() => blobs.delete(digest)),
    uploadOffset: (digest) => slowly(() => blobs.uploadOffset(digest)),
    append: (reference, offset, chunk) => slowly(() => blobs.append(reference, offset, chunk)),
    list: () => blobs.list(),
    uploads: () => blobs.uploads(),
  };
}

const operationMsMax = 5;
