import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { keyIdOf } from "@selvedge/protocol";
import { openKeyFolder } from "../identity/key-folder.ts";
import { openOperatorKey } from "./operator-key.ts";

test("the operator's private key is made once, apart, and is not needed again", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-"));
  t.after(() => rm(folder, { recursive: true }));
  const keys = await openKeyFolder(join(folder, "keys"));
  const made = await openOperatorKey(folder, keys);
  const path = join(folder, "operator", "operator.key");
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal(keyIdOf(createPublicKey(createPrivateKey(await readFile(path)))), keyIdOf(made));
  await rm(join(folder, "operator"), { recursive: true });
  assert.equal(keyIdOf(await openOperatorKey(folder, keys)), keyIdOf(made));
});

test("a first start that broke off goes on with the key it had made", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-"));
  t.after(() => rm(folder, { recursive: true }));
  const keys = await openKeyFolder(join(folder, "keys"));
  const made = await openOperatorKey(folder, keys);
  await rm(join(folder, "keys", "operator.pub"));
  assert.equal(keyIdOf(await openOperatorKey(folder, keys)), keyIdOf(made));
});
