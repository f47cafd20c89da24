import type { BlobStore } from "./blob-store.ts";

/** A store with some of its operations replaced; stores have private fields, so that it cannot inherit from them. */
export function blobStoreWith(blobs: BlobStore, replaced: Partial<BlobStore>): BlobStore {
  return {
    put: (bytes) => blobs.put(bytes),
    stat: (digest) => blobs.stat(digest),
    get: (digest, options) => blobs.get(digest, options),
    stream: (digest, start, end) => blobs.stream(digest, start, end),
    delete: (digest) => blobs.delete(digest),
    uploadOffset: (digest) => blobs.uploadOffset(digest),
    append: (reference, offset, chunk) => blobs.append(reference, offset, chunk),
    list: () => blobs.list(),
    uploads: () => blobs.uploads(),
    ...replaced,
  };
}
