import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf, limits } from "@selvedge/protocol";
import { openMemoryBlobStore } from "@selvedge/storage";
import { BlobUploads } from "./blob-uploads.ts";

test("no more uploads than may be are begun, also at the same time", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-uploads-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const blobs = openMemoryBlobStore();
  const uploads = await BlobUploads.open({ folder, blobs, hold: async () => {}, now: () => 0 });
  t.after(() => uploads.close());
  const begun = Array.from({ length: limits.imageUploadsMax + 8 }, () => uploads.begin("tools/x"));
  const results = await Promise.allSettled(begun);
  const refused = results.filter(({ status }) => status === "rejected");
  assert.equal(refused.length, 8);
});

test("[OC3] two clients may bring the same blob at the same time", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-uploads-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const blobs = openMemoryBlobStore();
  const uploads = await BlobUploads.open({ folder, blobs, hold: async () => {}, now: () => 0 });
  t.after(() => uploads.close());
  const bytes = new Uint8Array(3 * limits.blobChunkBytes).map((_, index) => index % 251);
  const digest = digestOf(bytes);
  const ids = [await uploads.begin("tools/x"), await uploads.begin("tools/x")];
  for (const id of ids) {
    await uploads.append(
      "tools/x",
      id,
      (async function* () {
        yield bytes;
      })(),
    );
  }
  const finished = await Promise.all(ids.map((id) => uploads.finish("tools/x", id, digest)));
  assert.deepEqual(finished, [
    { digest, length: bytes.length },
    { digest, length: bytes.length },
  ]);
});
