import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { keyIdOf, parseOperatorToken, rawPublicKey } from "@selvedge/protocol";
import { openMemoryStore, type Store } from "@selvedge/storage";
import { type OperatorRole, OperatorTokens, planKeyIdOf } from "./operator-tokens.ts";

const rootPin = new Uint8Array(32).fill(5);
const dayMs = 86_400_000;

async function openTokens(store: Store = openMemoryStore()) {
  const clock = { nowMs: 1_000_000 };
  const open = () => OperatorTokens.open({ store, rootPin: () => rootPin, now: () => clock.nowMs });
  const tokens = await open();
  const make = (name: string, role: OperatorRole = "admin", lifetimeMs: number | null = dayMs) =>
    tokens.create({ name, role, lifetimeMs });
  return { store, clock, open, tokens, make };
}

test("[EN14] an operator token has 256 bits, survives a restart, and only its hash is stored", async () => {
  const { store, tokens, open, make } = await openTokens();
  const ada = await make("ada");
  const bob = await make("bob", "viewer");
  const { rootPin: pin, secret } = parseOperatorToken(ada.text);
  assert.deepEqual([pin, secret.length], [rootPin, 32]);
  for (const opened of [tokens, await open()]) {
    assert.deepEqual(opened.verify(ada.text), { operator: { name: "ada", role: "admin" } });
    assert.deepEqual(opened.verify(bob.text), { operator: { name: "bob", role: "viewer" } });
    assert.deepEqual(opened.verify(`${ada.text}x`), { refused: "unknown" });
    assert.deepEqual(opened.verify(""), { refused: "unknown" });
  }
  const stored = JSON.stringify(await store.list(""));
  assert.ok(!stored.includes(ada.text.split(".").at(-1) ?? ""));
});

test("[OR3] a token is refused once it expired or was revoked, with whose it was", async () => {
  const { clock, tokens, open, make } = await openTokens();
  await make("root", "admin", null);
  const { text } = await make("ada");
  const bob = await make("bob", "viewer");
  await tokens.revoke("bob");
  assert.deepEqual(tokens.verify(bob.text), { refused: "revoked", name: "bob" });
  assert.deepEqual((await open()).verify(bob.text), { refused: "revoked", name: "bob" });
  const { revokedAtMs } = await tokens.revoke("bob");
  assert.equal(revokedAtMs, clock.nowMs);
  clock.nowMs += dayMs - 1;
  assert.ok("operator" in tokens.verify(text));
  clock.nowMs += 1;
  assert.deepEqual(tokens.verify(text), { refused: "expired", name: "ada" });
  await assert.rejects(tokens.revoke("eve"), { code: "not_found", fix: /operator list/ });
});

test("a name is used again only after its token ended, and then the old one is nobody's", async () => {
  const { tokens, make } = await openTokens();
  await make("root");
  const first = await make("ada", "viewer");
  await assert.rejects(make("ada", "viewer"), { code: "already_exists", fix: /operator revoke ada/ });
  await tokens.revoke("ada");
  const second = await make("ada", "operator");
  assert.deepEqual(tokens.verify(first.text), { refused: "unknown" });
  assert.deepEqual(tokens.verify(second.text), { operator: { name: "ada", role: "operator" } });
  assert.equal(tokens.list().length, 2);
  const third = await tokens.replace({ name: "ada", role: "admin", lifetimeMs: null });
  assert.deepEqual(tokens.verify(second.text), { refused: "unknown" });
  assert.ok("operator" in tokens.verify(third.text));
});

test("[OR7] who gets another token for a lost one signs plans with the same key, unless that token was revoked", async () => {
  const { tokens, make } = await openTokens();
  await make("root", "admin", null);
  const first = await make("ada", "admin", null);
  const { publicKey } = generateKeyPairSync("ed25519");
  await tokens.setPlanKey("ada", publicKey);
  const replace = () => tokens.replace({ name: "ada", role: "admin", lifetimeMs: null });
  const second = await replace();
  assert.notEqual(second.text, first.text);
  assert.equal(planKeyIdOf(second.record), keyIdOf(publicKey));
  assert.equal(tokens.planKeys().length, 1);
  await tokens.revoke("ada");
  const third = await replace();
  assert.equal(planKeyIdOf(third.record), undefined);
  assert.equal(tokens.planKeys().length, 0);
});

test("[OR4] the last admin cannot be revoked", async () => {
  const { clock, tokens, make } = await openTokens();
  await make("ada", "admin", null);
  await make("bob", "admin", dayMs);
  clock.nowMs += dayMs;
  await assert.rejects(tokens.revoke("ada"), { code: "failed_precondition", fix: /--role admin/ });
  await tokens.revoke("bob");
  await make("cleo", "admin");
  await tokens.revoke("ada");
  assert.deepEqual(
    tokens.good().map(({ name }) => name),
    ["cleo"],
  );
});

test("a use is remembered to the minute, over a restart", async () => {
  const { clock, store, tokens, open, make } = await openTokens();
  const { text } = await make("ada");
  assert.equal(tokens.list()[0]?.lastUsedAtMs, null);
  tokens.verify(text);
  clock.nowMs += 59_000;
  tokens.verify(text);
  await setImmediate();
  const [record] = await store.list("operator-token/");
  assert.equal(record?.version, 2);
  assert.equal((await open()).list()[0]?.lastUsedAtMs, 1_000_000);
  clock.nowMs += 1_000;
  tokens.verify(text);
  assert.equal(tokens.list()[0]?.lastUsedAtMs, 1_060_000);
});

test("a token of before there were lifetimes goes on working", async () => {
  const store = openMemoryStore();
  const text = "svo1.0123456789012345678901234567890123456789012";
  const sha256 = createHash("sha256").update(text).digest("hex");
  const value = { name: "admin", role: "admin", sha256, createdAtMs: 1 };
  await store.commit({ writes: [{ key: `operator-token/${sha256}`, value }] });
  const { tokens } = await openTokens(store);
  assert.deepEqual(tokens.verify(text), { operator: { name: "admin", role: "admin" } });
  assert.equal(tokens.list()[0]?.expiresAtMs, null);
});

test("bad names and lifetimes are refused", async () => {
  const { make } = await openTokens();
  for (const name of ["", "a b", "../x", "Ada", "x".repeat(65)]) {
    await assert.rejects(make(name), { code: "invalid_argument", at: "operator name" }, name);
  }
  for (const lifetimeMs of [0, -1, 367 * dayMs, Number.NaN]) {
    await assert.rejects(make("ada", "viewer", lifetimeMs), { at: "operator lifetime" }, String(lifetimeMs));
  }
});

test("[OR7] plans are signed with keys of operators who may run jobs, one key each", async () => {
  const { tokens, open, make } = await openTokens();
  const key = () => generateKeyPairSync("ed25519").publicKey;
  const [first, second] = [key(), key()];
  await make("root");
  await make("ada", "operator");
  await make("bob", "viewer");
  await tokens.setPlanKey("ada", key());
  const record = await tokens.setPlanKey("ada", first);
  assert.equal(planKeyIdOf(record), keyIdOf(first));
  await assert.rejects(tokens.setPlanKey("bob", first), { code: "already_exists", message: /"ada"/ });
  await tokens.setPlanKey("bob", second);
  for (const opened of [tokens, await open()]) {
    assert.deepEqual(opened.planKeys().map(rawPublicKey), [rawPublicKey(first)]);
  }
  await tokens.revoke("ada");
  assert.deepEqual(tokens.planKeys(), []);
});
