import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { openPostgresStore, type Store } from "@selvedge/storage";
import { type PostgresServer, postgresMissing, startPostgresServer } from "../fixtures/postgres-server.ts";
import { rejection } from "./rejection.ts";
import { registerStoreContract } from "./store-contract.ts";

suite("PostgreSQL", { skip: postgresMissing }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgresServer();
  });
  after(() => server?.[Symbol.asyncDispose]());

  registerStoreContract("PostgreSQL store", async () => {
    const url = await server.createDatabase();
    let open = await openPostgresStore({ url });
    return {
      store: open,
      reopen: async () => {
        await open.close();
        open = await openPostgresStore({ url });
        return open;
      },
      dispose: () => open.close(),
    };
  });

  test("[ST2] one coordinator at a time uses a database, and the error says who", async () => {
    const url = await server.createDatabase();
    const first = await openPostgresStore({ url });
    const error = await rejection(openPostgresStore({ url, lockTimeoutMs: 0 }), "unavailable");
    assert.match(error.message, /another coordinator uses the database.*server process \d+/);
    await first.close();
    const second: Store = await openPostgresStore({ url });
    await second.close();
  });
});
