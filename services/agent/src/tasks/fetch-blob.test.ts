import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { BlobReference } from "@selvedge/protocol";
import { openFileBlobStore, openMemoryBlobStore } from "@selvedge/storage";
import type { BlobChannel } from "@selvedge/transport";
import { fetchBlob } from "./fetch-blob.ts";

test("[ST9] a blob that the disk has damaged is fetched anew before it is used", async (t) => {
  const { blobs, fetch, reference, downloads } = await setUp(t);
  await fetch();
  await fetch();
  assert.equal(downloads.length, 1);
  for (const damage of ["Weights", "weigh", ""]) {
    writeFileSync(blobs.pathOf(reference.digest), damage);
    await fetch();
    assert.equal(Buffer.from(await blobs.get(reference.digest)).toString(), "weights");
  }
  assert.equal(downloads.length, 4);
});

test("[ST9] a download that a power cut has torn, in its middle or at its full length, is begun anew", async (t) => {
  for (const [left, expected] of [
    ["wei", 1],
    ["we\0", 2],
    ["wei\0\0\0\0", 1],
  ] as const) {
    const { blobs, fetch, reference, root, downloads } = await setUp(t);
    const part = `${reference.digest.slice("sha256:".length)}.part`;
    writeFileSync(join(root, "uploads", part), left);
    await fetch();
    assert.equal(Buffer.from(await blobs.get(reference.digest)).toString(), "weights");
    assert.equal(downloads.length, expected);
  }
});

test("[OF6] whoever names a blob of this device with a wrong length does not make it go", async (t) => {
  const { blobs, fetch, reference } = await setUp(t);
  await fetch();
  for (const length of [1, 100]) {
    await assert.rejects(fetch({ ...reference, length }), {
      code: "invalid_argument",
      message: /has 7 bytes/,
    });
    assert.deepEqual(await blobs.stat(reference.digest), reference);
  }
});

async function setUp(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "selvedge-test-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const coordinator = openMemoryBlobStore();
  const reference = await coordinator.put(Buffer.from("weights"));
  /** Where each began. */
  const downloads: number[] = [];
  const channel: BlobChannel = {
    upload: () => assert.fail("nothing is uploaded"),
    async download({ digest }, offset, sink) {
      downloads.push(offset);
      await sink(offset, (await coordinator.get(digest)).subarray(offset));
    },
  };
  const blobs = await openFileBlobStore({ root });
  const fetch = (wanted: BlobReference = reference): Promise<void> =>
    fetchBlob(wanted, blobs, channel, new AbortController().signal);
  return { root, blobs, reference, downloads, fetch };
}
