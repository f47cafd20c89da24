import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { freeDiskBytes } from "./free-disk-bytes.ts";

test("the free space of a folder's disk is told, and of none that is not there", async () => {
  assert.ok((await freeDiskBytes(tmpdir())) > 0);
  await assert.rejects(freeDiskBytes(join(tmpdir(), "no such folder of ours")), { name: "SelvedgeError" });
});
