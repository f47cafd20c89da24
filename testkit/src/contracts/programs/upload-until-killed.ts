/**
 * Run by crash tests: `node upload-until-killed.ts FOLDER FILE CHUNK_BYTES`.
 * Uploads FILE into the blob store in FOLDER from wherever the upload stands,
 * and prints each acknowledged offset.
 */
import { readFileSync, writeSync } from "node:fs";
import { digestOf } from "@selvedge/protocol";
import { openFileBlobStore } from "@selvedge/storage";

const [root, file, chunkBytes] = process.argv.slice(2);
if (root === undefined || file === undefined) {
  throw new Error("usage: node upload-until-killed.ts FOLDER FILE CHUNK_BYTES");
}
const bytes = readFileSync(file);
const reference = { digest: digestOf(bytes), length: bytes.length };
const blobs = await openFileBlobStore({ root });
let offset = await blobs.uploadOffset(reference.digest);
while (offset < bytes.length) {
  offset = await blobs.append(reference, offset, bytes.subarray(offset, offset + Number(chunkBytes)));
  writeSync(process.stdout.fd, `${offset}\n`);
}
