import { type MemoryBlobs, openMemoryBlobStore } from "@selvedge/storage";
import { registerBlobStoreContract } from "./blob-store-contract.ts";

registerBlobStoreContract("memory blob store", async () => {
  const disk: MemoryBlobs = { blobs: new Map(), uploads: new Map() };
  return {
    blobs: openMemoryBlobStore(disk),
    reopen: async () => openMemoryBlobStore(disk),
    dispose: async () => {},
  };
});
