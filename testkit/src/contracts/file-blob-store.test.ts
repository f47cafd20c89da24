import { openFileBlobStore } from "@selvedge/storage";
import { registerBlobStoreContract } from "./blob-store-contract.ts";
import { temporaryFolder } from "./temporary-folder.ts";

registerBlobStoreContract("file blob store", async () => {
  const folder = await temporaryFolder();
  return {
    blobs: await openFileBlobStore({ root: folder.path }),
    reopen: () => openFileBlobStore({ root: folder.path }),
    dispose: async () => folder[Symbol.asyncDispose](),
  };
});
