import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryStore } from "./memory-store.ts";
import { readAll } from "./read-all.ts";

test("every record of a prefix is read, over as many pages as it takes, and no other", async () => {
  const store = openMemoryStore();
  const keys = Array.from({ length: 2_500 }, (_, index) => `many/${String(index).padStart(5, "0")}`);
  await store.commit({ writes: ["a", ...keys, "z"].map((key) => ({ key, value: null })) });
  const read: string[] = [];
  for await (const { key } of readAll(store, "many/")) read.push(key);
  assert.deepEqual(read, keys);
});
