import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { openPostgresStore } from "@selvedge/storage";
import { startCuttingProxy } from "../fixtures/cutting-proxy.ts";
import { type PostgresServer, postgresMissing, startPostgresServer } from "../fixtures/postgres-server.ts";
import { rejection } from "./rejection.ts";

suite("a PostgreSQL store in trouble", { skip: postgresMissing }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgresServer();
  });
  after(() => server?.[Symbol.asyncDispose]());

  test("[ST1] a connection cut at any byte of a commit loses nothing and commits nothing twice", async () => {
    const proxy = await startCuttingProxy(server.socketPath);
    const url = await server.createDatabase(proxy.port);
    const store = await openPostgresStore({ url });
    const commit = (value: number): Promise<void> => store.commit({ writes: [{ key: "n", value }] });
    try {
      await commit(1);
      const before = { ...proxy.bytes };
      await commit(2);
      const length = {
        up: proxy.bytes.up - before.up,
        down: proxy.bytes.down - before.down,
      };
      let done = 2;
      for (const direction of ["up", "down"] as const) {
        // Towards the end lies COMMIT, and in the other direction its answer.
        const places = [1, 20, ...[...Array(14).keys()].map((step) => length[direction] - step * 2)];
        for (const place of places) {
          proxy.cutAfter(direction, Math.max(place, 1));
          done += 1;
          await commit(done);
          assert.deepEqual(await store.read("n"), { key: "n", version: done, value: done });
        }
      }
      proxy.cutAfter("up", Number.POSITIVE_INFINITY);
    } finally {
      await store.close();
      await proxy.close();
    }
  });

  test("[ST1] after the server was killed the store goes on by itself, with all that was acknowledged", async () => {
    const url = await server.createDatabase();
    const troubles: SelvedgeError[] = [];
    const store = await openPostgresStore({
      url,
      patienceMs: 60_000,
      onTrouble: (error) => troubles.push(error),
    });
    try {
      await store.commit({ writes: [{ key: "a", value: 1 }] });
      await server.kill();
      const waiting = store.commit({ writes: [{ key: "a", expectedVersion: 1, value: 2 }] });
      const reading = store.read("a");
      await server.restart();
      await waiting;
      assert.deepEqual(await reading, { key: "a", version: 2, value: 2 });
      assert.equal(troubles[0]?.code, "unavailable");
    } finally {
      await store.close();
    }
  });

  test("[ST1] a connection that went silent is given up, and what was asked on it is done once", async () => {
    const proxy = await startCuttingProxy(server.socketPath);
    const store = await openPostgresStore({
      url: await server.createDatabase(proxy.port),
      queryTimeoutMs: 300,
    });
    try {
      await store.commit({ writes: [{ key: "n", value: 1 }] });
      // The server still has the lock of the silent connection, and may have half of a transaction.
      proxy.freeze();
      await store.commit({ writes: [{ key: "n", expectedVersion: 1, value: 2 }] });
      assert.deepEqual(await store.read("n"), { key: "n", version: 2, value: 2 });
    } finally {
      await store.close();
      await proxy.close();
    }
  });

  test("a call is refused once the server has been away for too long, and the password is never shown", async () => {
    const proxy = await startCuttingProxy(server.socketPath);
    const url = await server.createDatabase(proxy.port);
    const troubles: SelvedgeError[] = [];
    const store = await openPostgresStore({
      url,
      patienceMs: 200,
      onTrouble: (error) => troubles.push(error),
    });
    await proxy.close();
    const refused = [
      await rejection(store.read("a"), "unavailable"),
      await rejection(store.commit({ writes: [{ key: "a", value: 1 }] }), "unavailable"),
      await rejection(openPostgresStore({ url }), "unavailable"),
    ];
    for (const error of [...refused, ...troubles]) {
      assert.match(error.at ?? "", /^postgres:\/\/selvedge@127\.0\.0\.1:\d+\/fleet_\d+$/);
      assert.ok(
        !show(error).includes(server.password) && !show(error).includes(encodeURIComponent(server.password)),
      );
    }
    await store.close();
  });

  test("[ST2] who lost the database to another coordinator writes nothing any more and is told", async () => {
    const url = await server.createDatabase();
    const lost = Promise.withResolvers<SelvedgeError>();
    const store = await openPostgresStore({ url, onLost: lost.resolve });
    await store.commit({ writes: [{ key: "a", value: "first" }] });
    const database = new URL(url).pathname.slice(1);
    // What another one does that found the lock free while this one was cut off.
    await server.administer(database, "UPDATE selvedge.writer SET owner = 'another'");
    await rejection(store.commit({ writes: [{ key: "a", value: "stale" }] }), "failed_precondition");
    assert.match((await lost.promise).message, /another coordinator/);
    await rejection(store.read("a"), "failed_precondition");
    await store.close();
    const next = await openPostgresStore({ url });
    assert.equal((await next.read("a"))?.value, "first");
    await next.close();
  });

  test("[ST3] a newer schema, another program's and a wrong password are refused and left alone", async () => {
    const url = await server.createDatabase();
    const database = new URL(url).pathname.slice(1);
    await (await openPostgresStore({ url })).close();
    await server.administer(database, "UPDATE selvedge.writer SET schema_version = 99");
    assert.match((await rejection(openPostgresStore({ url }), "unsupported")).fix ?? "", /newer/);
    const foreign = await server.createDatabase();
    await server.administer(new URL(foreign).pathname.slice(1), "CREATE SCHEMA selvedge");
    await rejection(openPostgresStore({ url: foreign }), "failed_precondition");
    const wrong = new URL(url);
    wrong.password = "guessed";
    await rejection(openPostgresStore({ url: wrong.href }), "permission_denied");
    await rejection(openPostgresStore({ url: `${url}_absent` }), "not_found");
  });

  test("a read-only database refuses commits and answers reads; it goes on once it is writable", async () => {
    const url = await server.createDatabase();
    const store = await openPostgresStore({ url });
    const database = new URL(url).pathname.slice(1);
    try {
      await store.commit({ writes: [{ key: "a", value: 1 }] });
      await server.administer(database, `ALTER ROLE selvedge SET default_transaction_read_only = on`);
      await server.administer(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'selvedge'",
      );
      await rejection(store.commit({ writes: [{ key: "a", value: 2 }] }), "permission_denied");
      assert.equal((await store.read("a"))?.value, 1);
      await server.administer(database, `ALTER ROLE selvedge RESET default_transaction_read_only`);
      await server.administer(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'selvedge'",
      );
      await store.commit({ writes: [{ key: "a", value: 3 }] });
    } finally {
      await store.close();
    }
  });
});

/** All that a log could show of an error, its causes included. */
function show(error: SelvedgeError): string {
  const parts: string[] = [];
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    parts.push(each.message, each.stack ?? "", JSON.stringify(each), String(SelvedgeError.from(each).at));
  }
  return parts.join("\n");
}
