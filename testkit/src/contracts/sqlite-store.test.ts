import { join } from "node:path";
import { openSqliteStore } from "@selvedge/storage";
import { registerStoreContract } from "./store-contract.ts";
import { temporaryFolder } from "./temporary-folder.ts";

registerStoreContract("SQLite store", async () => {
  const folder = await temporaryFolder();
  const path = join(folder.path, "state.db");
  let open = await openSqliteStore({ path });
  return {
    store: open,
    reopen: async () => {
      await open.close();
      open = await openSqliteStore({ path });
      return open;
    },
    dispose: async () => {
      await open.close();
      await folder[Symbol.asyncDispose]();
    },
  };
});
