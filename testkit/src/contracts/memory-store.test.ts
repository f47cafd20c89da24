import { type MemoryRecords, openMemoryStore } from "@selvedge/storage";
import { registerStoreContract } from "./store-contract.ts";

registerStoreContract("memory store", async () => {
  const records: MemoryRecords = new Map();
  const store = openMemoryStore(records);
  return {
    store,
    reopen: async () => {
      await store.close();
      return openMemoryStore(records);
    },
    dispose: () => store.close(),
  };
});
