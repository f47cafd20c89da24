import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf } from "@selvedge/protocol";
import { OciLayout } from "./oci-layout.ts";

test("a layout keeps only blobs that are what their names say", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-layout-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const layout = await OciLayout.create(folder);
  const bytes = Buffer.from("a layer");
  const blob = { mediaType: "text/plain", digest: digestOf(bytes), size: bytes.length };
  for (const wrong of ["another", "a layer and more", "a lay"]) {
    await assert.rejects(layout.putBlob(blob, streamOf(wrong)), { code: "corrupt", at: blob.digest });
    assert.deepEqual(await readdir(join(folder, "blobs/sha256")), [], wrong);
  }
  await layout.putBlob(blob, streamOf("a layer"));
  assert.deepEqual(await readdir(join(folder, "blobs/sha256")), [blob.digest.slice("sha256:".length)]);
});

function streamOf(text: string): () => AsyncIterable<Uint8Array> {
  return async function* () {
    yield Buffer.from(text);
  };
}
