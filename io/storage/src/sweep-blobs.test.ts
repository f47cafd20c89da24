import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryBlobStore } from "./memory-blob-store.ts";
import { sweepBlobs } from "./sweep-blobs.ts";

test("a sweep deletes what nothing names, and only that", async () => {
  const blobs = openMemoryBlobStore();
  const kept = await blobs.put(Buffer.from("kept"));
  const orphan = await blobs.put(Buffer.from("orphan"));
  assert.equal(await sweepBlobs(blobs, new Set([kept.digest])), 1);
  assert.deepEqual(await blobs.stat(kept.digest), kept);
  assert.equal(await blobs.stat(orphan.digest), undefined);
});
