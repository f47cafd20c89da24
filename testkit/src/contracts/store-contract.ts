import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import type { Json, SnapshotStore, StoredRecord } from "@selvedge/storage";
import { rejection } from "./rejection.ts";

/** One store under test, on storage of its own. */
export interface StoreUnderTest {
  readonly store: SnapshotStore;
  /** Closes the store and opens a new one on the same storage. */
  reopen(): Promise<SnapshotStore>;
  /** Closes whatever is open and removes the storage. */
  dispose(): Promise<void>;
}

/** Registers the constraints of `Store` as tests of one implementation. */
export function registerStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  suite(`${name} keeps the Store contract`, () => {
    const check = (rule: string, body: (subject: StoreUnderTest) => Promise<void>): void => {
      test(rule, async () => {
        const subject = await open();
        try {
          await body(subject);
        } finally {
          await subject.dispose();
        }
      });
    };
    registerCommitRules(check);
    registerListRules(check);
    registerLimits(check);
    registerLifetime(check);
    registerSnapshots(check);
  });
}

type Check = (rule: string, body: (subject: StoreUnderTest) => Promise<void>) => void;

function registerCommitRules(check: Check): void {
  check("a record is read as it was written, its version growing by one", async ({ store }) => {
    const value: Json = { list: [1, -2.5, null, true, "é\u{1f9f5}\ud800"], nested: { empty: {} } };
    await store.commit({ writes: [{ key: "a", expectedVersion: 0, value }] });
    assert.deepEqual(await store.read("a"), { key: "a", version: 1, value });
    await store.commit({ writes: [{ key: "a", expectedVersion: 1, value: 2 }] });
    assert.deepEqual(await store.read("a"), { key: "a", version: 2, value: 2 });
    assert.equal(await store.read("b"), undefined);
  });

  check("a deleted key is gone and starts again at version 1", async ({ store }) => {
    await store.commit({ writes: [{ key: "a", value: 1 }] });
    await store.commit({ writes: [{ key: "a", expectedVersion: 1, value: undefined }] });
    assert.equal(await store.read("a"), undefined);
    await store.commit({ writes: [{ key: "a", value: undefined }] });
    await store.commit({ writes: [{ key: "a", expectedVersion: 0, value: 2 }] });
    assert.equal((await store.read("a"))?.version, 1);
  });

  check("a conflict names the key and changes nothing", async ({ store }) => {
    await store.commit({ writes: [{ key: "a", value: 1 }] });
    const writes = [
      { key: "b", value: 1 },
      { key: "a", expectedVersion: 2, value: 2 },
    ];
    const error = await rejection(store.commit({ writes }), "conflict");
    assert.match(error.message, /"a" has version 1, not 2/);
    assert.equal(await store.read("b"), undefined);
    assert.deepEqual(await store.read("a"), { key: "a", version: 1, value: 1 });
  });

  check("of commits made at once, one conflict does not fail the others", async ({ store }) => {
    const results = await Promise.allSettled([
      store.commit({ writes: [{ key: "a", expectedVersion: 0, value: "first" }] }),
      store.commit({ writes: [{ key: "a", expectedVersion: 0, value: "second" }] }),
      store.commit({
        writes: [
          { key: "a", expectedVersion: 1, value: "third" },
          { key: "b", value: 1 },
        ],
      }),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal((await store.read("a"))?.value, "third");
    assert.equal((await store.read("b"))?.value, 1);
  });

  check("increments by expected version are never lost", async ({ store }) => {
    const increment = async (): Promise<void> => {
      for (;;) {
        const record = await store.read("count");
        const value = Number(record?.value ?? 0) + 1;
        try {
          await store.commit({ writes: [{ key: "count", expectedVersion: record?.version ?? 0, value }] });
          return;
        } catch (error) {
          assert.equal(SelvedgeError.from(error).code, "conflict");
        }
      }
    };
    await Promise.all(Array.from({ length: 20 }, increment));
    assert.deepEqual(await store.read("count"), { key: "count", version: 20, value: 20 });
  });

  check("a transaction without writes succeeds", async ({ store }) => {
    await store.commit({ writes: [] });
    assert.deepEqual(await store.list(""), []);
  });

  check("what the caller does to a value later stays outside", async ({ store }) => {
    const value = { list: [1] };
    const committed = store.commit({ writes: [{ key: "a", value }] });
    value.list.push(2);
    await committed;
    const read = (await store.read("a"))?.value;
    assert.deepEqual(read, { list: [1] });
    Object.assign(read ?? {}, { list: [] });
    assert.deepEqual((await store.read("a"))?.value, { list: [1] });
  });
}

function registerListRules(check: Check): void {
  check("list returns keys of a prefix in byte order, in pages", async ({ store }) => {
    // UTF-16 order would put the last two the other way round.
    const keys = ["a/", "a/1", "a/10", "a/2", "a/\u00e9", "a/\uff5e", "a/\u{1f9f5}"];
    const others = ["a", "a.", "a0", "b"];
    await store.commit({ writes: [...others, ...keys].reverse().map((key) => ({ key, value: key })) });
    const list = async (options?: { after?: string; limit?: number }): Promise<string[]> =>
      (await store.list("a/", options)).map(({ key }) => key);
    assert.deepEqual(await list(), keys);
    assert.deepEqual(await list({ limit: 2 }), keys.slice(0, 2));
    assert.deepEqual(await list({ after: "a/10", limit: 3 }), keys.slice(3, 6));
    assert.deepEqual(await list({ after: "a/\u{1f9f5}" }), []);
    assert.equal((await store.list("")).length, keys.length + others.length);
  });

  check("a prefix ending in the last character of a range finds its keys only", async ({ store }) => {
    const keys = ["\ud7ff", "\ud7ffx", "\ue000", "\u{10ffff}", "\u{10ffff}x"];
    await store.commit({ writes: keys.map((key) => ({ key, value: 0 })) });
    const list = async (prefix: string): Promise<string[]> =>
      (await store.list(prefix)).map(({ key }) => key);
    assert.deepEqual(await list("\ud7ff"), ["\ud7ff", "\ud7ffx"]);
    assert.deepEqual(await list("\u{10ffff}"), ["\u{10ffff}", "\u{10ffff}x"]);
  });

  check("list returns at most 1,000 records unless told", async ({ store }) => {
    const writes = Array.from({ length: 1001 }, (_, index) => ({ key: `k${index}`, value: index }));
    await store.commit({ writes });
    assert.equal((await store.list("k")).length, 1000);
    assert.equal((await store.list("k", { limit: 5000 })).length, 1001);
    await rejection(store.list("k", { limit: 0 }), "invalid_argument");
  });
}

function registerLimits(check: Check): void {
  check("keys are 1 to 512 bytes of well-formed text", async ({ store }) => {
    const commit = (key: string): Promise<void> => store.commit({ writes: [{ key, value: 0 }] });
    await commit("é".repeat(256));
    await rejection(commit(`${"é".repeat(256)}x`), "too_large");
    await rejection(commit(""), "invalid_argument");
    await rejection(commit("\ud800"), "invalid_argument");
    await rejection(commit("a\0b"), "invalid_argument");
    await rejection(store.read(""), "invalid_argument");
    assert.equal((await store.list("")).length, 1);
  });

  check("a value is JSON of at most 16 MiB", async ({ store }) => {
    const commit = (value: Json): Promise<void> => store.commit({ writes: [{ key: "a", value }] });
    await commit("x".repeat(16 * 1024 * 1024 - 2));
    await rejection(commit("x".repeat(16 * 1024 * 1024 - 1)), "too_large");
    assert.equal((await store.read("a"))?.version, 1);
  });

  check("a value that JSON would silently change is refused", async ({ store }) => {
    let deep: Json = 0;
    for (let level = 0; level < 65; level += 1) deep = [deep];
    const map: unknown = new Map([["a", 1]]);
    for (const value of [Number.NaN, { a: Infinity }, deep, { a: [map as Json] }]) {
      await rejection(store.commit({ writes: [{ key: "a", value }] }), "invalid_argument");
    }
    assert.equal(await store.read("a"), undefined);
  });

  check("a transaction names each key once and versions from 0", async ({ store }) => {
    const twice = [
      { key: "a", value: 1 },
      { key: "a", value: 2 },
    ];
    await rejection(store.commit({ writes: twice }), "invalid_argument");
    await rejection(
      store.commit({ writes: [{ key: "a", expectedVersion: -1, value: 1 }] }),
      "invalid_argument",
    );
    assert.equal(await store.read("a"), undefined);
  });
}

function registerLifetime(check: Check): void {
  check("what was committed is there after a restart, with its version", async ({ store, reopen }) => {
    await store.commit({ writes: [{ key: "a", value: { n: 1 } }] });
    await store.commit({ writes: [{ key: "a", value: { n: 2 } }] });
    const again = await reopen();
    assert.deepEqual(await again.read("a"), { key: "a", version: 2, value: { n: 2 } });
  });

  check("close lets commits finish; later calls are refused, closing again is not", async (subject) => {
    const { store } = subject;
    const committed = Promise.all(
      Array.from({ length: 300 }, (_, index) => store.commit({ writes: [{ key: `k${index}`, value: 0 }] })),
    );
    await store.close();
    await committed;
    await rejection(store.read("k0"), "failed_precondition");
    await rejection(store.list(""), "failed_precondition");
    await rejection(store.commit({ writes: [] }), "failed_precondition");
    await store.close();
    assert.equal((await (await subject.reopen()).list("k")).length, 300);
  });
}

function registerSnapshots(check: Check): void {
  check("a snapshot is of one moment, though commits go on", async ({ store }) => {
    const keys = Array.from({ length: 2500 }, (_, index) => `k${String(index).padStart(5, "0")}`);
    await store.commit({ writes: keys.map((key) => ({ key, value: 0 })) });
    await store.commit({ writes: [{ key: "k00007", value: 1 }] });
    const records: StoredRecord[] = [];
    for await (const record of store.snapshot()) {
      if (records.length % 500 === 0) {
        await store.commit({ writes: keys.slice(-10).map((key) => ({ key, value: "later" })) });
        await store.commit({ writes: [{ key: `z${records.length}`, value: "later" }] });
      }
      records.push(record);
    }
    assert.deepEqual(
      records.map(({ key }) => key),
      keys,
    );
    assert.deepEqual(records[7], { key: "k00007", version: 2, value: 1 });
    assert.ok(records.every(({ value }) => value !== "later"));
  });

  check("a snapshot is loaded into an empty store as it is, all or nothing", async ({ store, reopen }) => {
    const records: StoredRecord[] = Array.from({ length: 1500 }, (_, index) => ({
      key: `k${String(index).padStart(5, "0")}`,
      version: index + 1,
      value: { index, text: "\u00e9\ud800" },
    }));
    const broken = async function* (): AsyncIterable<StoredRecord> {
      yield* records.slice(0, 1200);
      throw new SelvedgeError("corrupt", "the snapshot is cut off");
    };
    await rejection(store.load(broken()), "corrupt");
    assert.deepEqual(await store.list(""), []);
    const whole = async function* (): AsyncIterable<StoredRecord> {
      yield* records;
    };
    await store.load(whole());
    await rejection(store.load(whole()), "already_exists");
    const again = await reopen();
    assert.deepEqual(await again.list("", { limit: 5000 }), records);
    await again.commit({ writes: [{ key: "k00041", expectedVersion: 42, value: 0 }] });
  });
}
