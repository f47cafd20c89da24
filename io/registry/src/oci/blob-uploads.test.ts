import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { digestOf, limits } from "@selvedge/protocol";
import { openMemoryBlobStore } from "@selvedge/storage";
import { BlobUploads } from "./blob-uploads.ts";

test("no more uploads than may be are begun, also at the same time", async (t) => {
  const { uploads } = await openUploads(t);
  const begun = Array.from({ length: limits.imageUploadsMax + 8 }, () => uploads.begin("tools/x"));
  const results = await Promise.allSettled(begun);
  const refused = results.filter(({ status }) => status === "rejected");
  assert.equal(refused.length, 8);
});

test("[OC3] two clients may bring the same blob at the same time", async (t) => {
  const { uploads } = await openUploads(t);
  const bytes = new Uint8Array(3 * limits.blobChunkBytes).map((_, index) => index % 251);
  const digest = digestOf(bytes);
  const ids = [await uploads.begin("tools/x"), await uploads.begin("tools/x")];
  for (const id of ids) await uploads.append("tools/x", id, streamOf(bytes));
  const finished = await Promise.all(ids.map((id) => uploads.finish("tools/x", id, digest)));
  assert.deepEqual(finished, [
    { digest, length: bytes.length },
    { digest, length: bytes.length },
  ]);
});

test("[OC3] a blob in one piece leaves no upload behind, whether it came, broke off or was another", async (t) => {
  const { uploads, pending } = await openUploads(t);
  const bytes = Buffer.from("one piece");
  const digest = digestOf(bytes);
  async function* brokenOff() {
    yield bytes.subarray(0, 3);
    throw new Error("the connection is gone");
  }
  await assert.rejects(uploads.take("tools/x", digest, brokenOff()), /connection is gone/);
  assert.equal(pending.size, 0);
  await assert.rejects(uploads.take("tools/x", digest, streamOf(Buffer.from("other"))), {
    distributionCode: "DIGEST_INVALID",
  });
  assert.equal(pending.size, 0);
  assert.deepEqual(await uploads.take("tools/x", digest, streamOf(bytes)), { digest, length: bytes.length });
  assert.equal(pending.size, 0);
});

test("an upload is not cancelled while a request writes to it", async (t) => {
  const { uploads } = await openUploads(t);
  const id = await uploads.begin("tools/x");
  const bytes = Buffer.from("both halves");
  async function* halves() {
    yield bytes.subarray(0, 5);
    await assert.rejects(uploads.cancel("tools/x", id), { distributionCode: "BLOB_UPLOAD_INVALID" });
    yield bytes.subarray(5);
  }
  assert.equal(await uploads.append("tools/x", id, halves()), bytes.length);
  await uploads.cancel("tools/x", id);
  assert.throws(() => uploads.lengthOf("tools/x", id), { distributionCode: "BLOB_UPLOAD_UNKNOWN" });
});

test("an upload to which nothing comes for an hour is dropped, and not while something comes", async (t) => {
  const { uploads, pending } = await openUploads(t);
  const id = await uploads.begin("tools/x");
  async function* slowly() {
    assert.equal(pending.size, 0);
    yield Buffer.from("late");
  }
  await uploads.append("tools/x", id, slowly());
  const [[drop, ms] = assert.fail("nothing is to drop it")] = pending;
  assert.deepEqual([pending.size, ms], [1, 3_600_000]);
  drop();
  assert.throws(() => uploads.lengthOf("tools/x", id), { distributionCode: "BLOB_UPLOAD_UNKNOWN" });
});

interface OpenedUploads {
  readonly uploads: BlobUploads;
  /** What is to be called, and after how many milliseconds. */
  readonly pending: ReadonlyMap<() => void, number>;
}

async function openUploads(t: TestContext): Promise<OpenedUploads> {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-uploads-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const pending = new Map<() => void, number>();
  const timers = {
    after(ms: number, run: () => void) {
      pending.set(run, ms);
      return () => void pending.delete(run);
    },
  };
  const uploads = await BlobUploads.open({
    folder,
    blobs: openMemoryBlobStore(),
    hold: async () => {},
    timers,
  });
  t.after(() => uploads.close());
  return { uploads, pending };
}

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
