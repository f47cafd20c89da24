import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type BlobReference, digestOf } from "@selvedge/protocol";
import type { BlobStore } from "./blob-store.ts";
import { openFileBlobStore } from "./file-blob-store.ts";
import { fileError } from "./file-error.ts";

const bytes: Uint8Array = Uint8Array.from({ length: 5000 }, (_, index) => index % 256);
const reference: BlobReference = { digest: digestOf(bytes), length: bytes.length };
const hex: string = reference.digest.slice("sha256:".length);
const storeModule: string = new URL("./file-blob-store.ts", import.meta.url).href;

test("[BL1] blobs are files named by digest, and nothing else is left", async (t) => {
  const root = temporaryFolder(t);
  const blobs = await openFileBlobStore({ root });
  await blobs.put(bytes);
  assert.deepEqual(readdirSync(join(root, "blobs", hex.slice(0, 2))), [hex]);
  assert.deepEqual(readdirSync(join(root, "uploads")), []);
  assert.equal(statSync(join(root, "blobs", hex.slice(0, 2), hex)).mode & 0o777, 0o600);
});

test("[BL1] an upload cut off between its last byte and its renaming is finished at the next start", async (t) => {
  const root = temporaryFolder(t);
  await openFileBlobStore({ root });
  writeFileSync(join(root, "uploads", `${hex}.part`), bytes);
  const blobs = await openFileBlobStore({ root });
  assert.deepEqual(await blobs.get(reference.digest), bytes);
  assert.equal(await blobs.uploadOffset(reference.digest), 0);
});

test("[BL1] an upload torn by a power cut never becomes visible and can start again", async (t) => {
  const root = temporaryFolder(t);
  await openFileBlobStore({ root });
  const torn = bytes.slice(0, 4999);
  torn.fill(0, 4096);
  writeFileSync(join(root, "uploads", `${hex}.part`), torn);
  const blobs = await openFileBlobStore({ root });
  assert.equal(await blobs.uploadOffset(reference.digest), 4999);
  await assert.rejects(blobs.append(reference, 4999, bytes.subarray(4999)), { code: "corrupt" });
  assert.equal(await blobs.append(reference, 0, bytes), 5000);
});

test("[BL14] an upload torn at its full length is found out by whatever is appended next, and can start again", async (t) => {
  const root = temporaryFolder(t);
  await openFileBlobStore({ root });
  writeFileSync(join(root, "uploads", `${hex}.part`), bytes.slice().fill(0, 4096));
  const blobs = await openFileBlobStore({ root });
  assert.equal(await blobs.uploadOffset(reference.digest), 5000);
  await assert.rejects(blobs.append(reference, 4999, bytes.subarray(4999)), { code: "corrupt" });
  assert.equal(await blobs.uploadOffset(reference.digest), 0);
  assert.equal(await blobs.append(reference, 0, bytes), 5000);
});

test("[BL2] an empty upload left behind starts at 0", async (t) => {
  const root = temporaryFolder(t);
  await openFileBlobStore({ root });
  writeFileSync(join(root, "uploads", `${hex}.part`), "");
  const blobs = await openFileBlobStore({ root });
  assert.equal(await blobs.uploadOffset(reference.digest), 0);
  assert.equal(await blobs.append(reference, 0, bytes), 5000);
});

test("uploads abandoned for longer than told are dropped at the start, files of others are not", async (t) => {
  const root = temporaryFolder(t);
  const blobs = await openFileBlobStore({ root });
  await blobs.append(reference, 0, bytes.subarray(0, 10));
  const part = join(root, "uploads", `${hex}.part`);
  const foreign = join(root, "uploads", "notes.txt");
  writeFileSync(foreign, "mine");
  for (const path of [part, foreign]) utimesSync(path, 0, Date.now() / 1000 - 3600);
  await openFileBlobStore({ root });
  assert.ok(existsSync(part));
  await openFileBlobStore({ root, uploadAgeMsMax: 1_800_000 });
  assert.ok(!existsSync(part));
  assert.ok(existsSync(foreign));
});

test("a blob that changed on disk is not returned", async (t) => {
  const root = temporaryFolder(t);
  const blobs = await openFileBlobStore({ root });
  await blobs.put(bytes);
  writeFileSync(join(root, "blobs", hex.slice(0, 2), hex), bytes.slice().fill(1, 100, 101));
  await assert.rejects(blobs.get(reference.digest), { code: "corrupt", at: reference.digest });
});

test("what others left among the blobs is passed over, and a disk that fails is told as an error of ours", async (t) => {
  const root = temporaryFolder(t);
  const blobs = await openFileBlobStore({ root });
  await blobs.put(bytes);
  writeFileSync(join(root, "blobs", ".DS_Store"), "mine");
  writeFileSync(join(root, "blobs", "ab"), "mine");
  mkdirSync(join(root, "blobs", "lost+found"), { mode: 0 });
  assert.deepEqual(await listed(blobs), [reference]);
  rmSync(join(root, "blobs"), { recursive: true });
  await assert.rejects(listed(blobs), { code: "not_found", at: join(root, "blobs") });
});

test("a full disk is named and nothing becomes visible", async (t) => {
  const root = temporaryFolder(t);
  const blobs = await openFileBlobStore({ root });
  symlinkSync("/dev/full", join(root, "uploads", `${hex}.part`));
  await assert.rejects(blobs.append(reference, 0, bytes), { code: "resource_exhausted", fix: /free space/ });
  assert.equal(await blobs.stat(reference.digest), undefined);
});

test("works under the permission model with its own folder, and names the sandbox elsewhere", (t) => {
  const granted = temporaryFolder(t);
  const denied = temporaryFolder(t);
  const program = `
    const { openFileBlobStore } = await import(${JSON.stringify(storeModule)});
    const blobs = await openFileBlobStore({ root: ${JSON.stringify(granted)} });
    const { digest } = await blobs.put(new Uint8Array(10));
    await blobs.get(digest);
    for await (const reference of blobs.list()) await blobs.delete(reference.digest);
    const error = await openFileBlobStore({ root: ${JSON.stringify(denied)} }).catch((thrown) => thrown);
    console.log(error.code, error.message);
  `;
  const checkout = new URL("../../../", import.meta.url).pathname;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      "--permission",
      `--allow-fs-read=${checkout}`,
      `--allow-fs-read=${granted}`,
      `--allow-fs-write=${granted}`,
      "--input-type=module",
      "--eval",
      program,
    ],
    { encoding: "utf8" },
  );
  assert.equal(stdout, "permission_denied the process's own sandbox does not allow it\n", stderr);
});

test("system errors become ours", () => {
  const codes = [
    ["EROFS", "permission_denied"],
    ["EACCES", "permission_denied"],
    ["EDQUOT", "resource_exhausted"],
    ["EIO", "unavailable"],
    ["EWHAT", "internal"],
  ] as const;
  for (const [code, ours] of codes) {
    assert.equal(fileError(Object.assign(new Error("x"), { code }), "/p").code, ours);
  }
});

async function listed(blobs: BlobStore): Promise<readonly BlobReference[]> {
  const references: BlobReference[] = [];
  for await (const blob of blobs.list()) references.push(blob);
  return references;
}

function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "selvedge-test-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
