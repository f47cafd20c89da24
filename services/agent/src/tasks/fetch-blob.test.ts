import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openFileBlobStore, openMemoryBlobStore } from "@selvedge/storage";
import type { BlobChannel } from "@selvedge/transport";
import { fetchBlob } from "./fetch-blob.ts";

test("[ST9] a blob that the disk has damaged is fetched anew before it is used", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "selvedge-test-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const coordinator = openMemoryBlobStore();
  const reference = await coordinator.put(Buffer.from("weights"));
  let downloads = 0;
  const channel: BlobChannel = {
    upload: () => assert.fail("nothing is uploaded"),
    async download({ digest }, offset, sink) {
      downloads += 1;
      await sink(offset, (await coordinator.get(digest)).subarray(offset));
    },
  };
  const blobs = await openFileBlobStore({ root });
  const fetch = (): Promise<void> => fetchBlob(reference, blobs, channel, new AbortController().signal);
  await fetch();
  await fetch();
  assert.equal(downloads, 1);
  for (const damage of ["Weights", "weigh", ""]) {
    writeFileSync(blobs.pathOf(reference.digest), damage);
    await fetch();
    assert.equal(Buffer.from(await blobs.get(reference.digest)).toString(), "weights");
  }
  assert.equal(downloads, 4);
});
