import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
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

test("a layout whose index is broken, or names what is no manifest, is told of with the file and what to do", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-layout-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const layout = await OciLayout.create(folder);
  const path = join(folder, "index.json");
  const broken = [
    "",
    "{",
    "null",
    "[]",
    "{}",
    '{"manifests":7}',
    '{"manifests":[null]}',
    '{"manifests":[{}]}',
  ];
  for (const text of broken) {
    await writeFile(path, text);
    await assert.rejects(layout.manifest(""), { code: "corrupt", at: path, fix: /copy/ }, text);
  }
  const bytes = Buffer.from("a layer");
  const digest = digestOf(bytes);
  await layout.putBlob({ mediaType: "text/plain", digest, size: bytes.length }, streamOf("a layer"));
  await assert.rejects(layout.manifest(digest), { code: "corrupt", at: new RegExp(digest.slice(7)) });
});

function streamOf(text: string): () => AsyncIterable<Uint8Array> {
  return async function* () {
    yield Buffer.from(text);
  };
}
