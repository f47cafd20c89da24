import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import {
  type Json,
  openMemoryStore,
  openPostgresStore,
  openSqliteStore,
  type Store,
  type Transaction,
} from "@selvedge/storage";
import fc from "fast-check";
import { postgresMissing, startPostgresServer } from "../fixtures/postgres-server.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const key = fc.constantFrom("a", "a/", "a/b", "a/b/c", "a\u00e9", "\uff5e", "\u{1f9f5}");
const value = fc.jsonValue({ maxDepth: 2, noUnicodeString: false }).filter((json) => !hasNegativeZero(json));
const write = fc.record(
  { key, expectedVersion: fc.integer({ min: 0, max: 3 }), value: fc.option(value, { nil: undefined }) },
  { requiredKeys: ["key", "value"] },
);
const transaction = fc.record({
  writes: fc.uniqueArray(write, { selector: (each) => each.key, maxLength: 4 }),
});
/** Transactions of one group are committed at once. */
const groups = fc.array(fc.array(transaction, { maxLength: 4 }), { maxLength: 6 });

test("the memory and the SQLite store give equal answers to any transactions", async () => {
  await using folder = await temporaryFolder();
  let databases = 0;
  await storesAgree(60, async () => {
    databases += 1;
    return openSqliteStore({ path: join(folder.path, `${databases}.db`) });
  });
});

test("the memory and the PostgreSQL store give equal answers", { skip: postgresMissing }, async () => {
  await using server = await startPostgresServer();
  await storesAgree(20, async () => openPostgresStore({ url: await server.createDatabase() }));
});

async function storesAgree(numRuns: number, open: () => Promise<Store>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(groups, key, async (work, prefix) => {
      const stores = [openMemoryStore(), await open()] as const;
      try {
        for (const group of work) {
          const [expected, actual] = await Promise.all(
            stores.map((store) => commitAll(store, group as Transaction[])),
          );
          assert.deepEqual(actual, expected);
        }
        const [expected, actual] = await Promise.all(
          stores.map(async (store) => [
            await store.list(""),
            await store.list(prefix),
            await store.read(prefix),
          ]),
        );
        assert.deepEqual(actual, expected);
      } finally {
        for (const store of stores) await store.close();
      }
    }),
    { numRuns },
  );
}

async function commitAll(store: Store, transactions: readonly Transaction[]): Promise<string[]> {
  const results = await Promise.allSettled(transactions.map((each) => store.commit(each)));
  return results.map((result) =>
    result.status === "fulfilled" ? "committed" : SelvedgeError.from(result.reason).message,
  );
}

/** The one number that JSON text does not keep. */
function hasNegativeZero(json: unknown): boolean {
  if (typeof json === "object" && json !== null) return Object.values(json as Json[]).some(hasNegativeZero);
  return Object.is(json, -0);
}
