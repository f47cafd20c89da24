import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryStore } from "@selvedge/storage";
import { openOperatorTokens } from "./operator-tokens.ts";

test("[EN14] an operator token has 256 bits, survives a restart, and only its hash is stored", async () => {
  const store = openMemoryStore();
  const tokens = await openOperatorTokens(store, () => 1);
  const ada = { name: "ada", role: "admin" } as const;
  const bob = { name: "bob", role: "viewer" } as const;
  const text = await tokens.create(ada);
  const other = await tokens.create(bob);
  assert.match(text, /^svo1\.[\w-]{43}$/);
  for (const opened of [tokens, await openOperatorTokens(store, () => 1)]) {
    assert.deepEqual(opened.verify(text), ada);
    assert.deepEqual(opened.verify(other), bob);
    assert.equal(opened.verify(`${text}x`), undefined);
    assert.equal(opened.verify(""), undefined);
  }
  const stored = JSON.stringify(await store.list(""));
  assert.ok(!stored.includes(text.slice("svo1.".length)));
  await assert.rejects(tokens.create({ name: "a b", role: "admin" }), { code: "invalid_argument" });
});
