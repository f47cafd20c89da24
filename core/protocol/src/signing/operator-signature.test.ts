import assert from "node:assert/strict";
import { createHash, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import {
  keyIdOf,
  keyOfSignature,
  publicKeyFromRaw,
  rawPublicKey,
  signPlan,
  verifyPlan,
} from "./operator-signature.ts";

const alice = generateKeyPairSync("ed25519");
const bob = generateKeyPairSync("ed25519");
const plan = Buffer.from("a plan");

test("[EN15] a plan verifies with the key that signed it, and names that key", () => {
  const signature = signPlan(plan, alice.privateKey);
  assert.equal(verifyPlan(plan, signature, [bob.publicKey, alice.publicKey]), alice.publicKey);
  assert.equal(signature.keyId, keyIdOf(alice.publicKey));
  assert.equal(signature.signature.length, 64);
});

test("[EN15] a changed plan, a changed signature and an unknown signer are untrusted", () => {
  const signature = signPlan(plan, alice.privateKey);
  const untrusted = { code: "untrusted" };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (other) => {
      fc.pre(!plan.equals(other));
      assert.throws(() => verifyPlan(other, signature, [alice.publicKey]), untrusted);
      assert.throws(() => verifyPlan(plan, { ...signature, signature: other }, [alice.publicKey]), untrusted);
    }),
  );
  assert.throws(() => verifyPlan(plan, signature, [bob.publicKey]), untrusted);
  assert.throws(() => verifyPlan(plan, signature, []), untrusted);
  const renamed = { ...signature, keyId: keyIdOf(bob.publicKey) };
  assert.throws(() => verifyPlan(plan, renamed, [alice.publicKey, bob.publicKey]), untrusted);
});

test("[EN15] a signature over the bare digest is not a plan signature", () => {
  const digest = createHash("sha256").update(plan).digest();
  for (const message of [plan, digest]) {
    const signature = { keyId: keyIdOf(alice.publicKey), signature: sign(null, message, alice.privateKey) };
    assert.throws(() => verifyPlan(plan, signature, [alice.publicKey]), { code: "untrusted" });
  }
});

test("[EN15] a key id is the SHA-256 of the 32 raw bytes", () => {
  const raw = rawPublicKey(alice.publicKey);
  assert.equal(raw.length, 32);
  assert.equal(keyIdOf(alice.publicKey), `ed25519:${createHash("sha256").update(raw).digest("hex")}`);
  assert.ok(publicKeyFromRaw(raw).equals(createPublicKey(alice.privateKey)));
});

test("[EN15] the key that comes along with a signature is the one of its id, or refused", () => {
  const signature = signPlan(plan, alice.privateKey);
  const carried = keyOfSignature(signature);
  assert.equal(verifyPlan(plan, signature, carried === undefined ? [] : [carried]), carried);
  assert.equal(keyOfSignature({ ...signature, publicKey: new Uint8Array() }), undefined);
  const exchanged = { ...signature, publicKey: rawPublicKey(bob.publicKey) };
  assert.throws(() => keyOfSignature(exchanged), { code: "untrusted" });
  assert.throws(() => keyOfSignature({ ...signature, publicKey: new Uint8Array(31) }), {
    code: "invalid_argument",
  });
});

test("keys of another kind or length are refused", () => {
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const invalid = { code: "invalid_argument" };
  assert.throws(() => signPlan(plan, p256.privateKey), invalid);
  assert.throws(() => signPlan(plan, alice.publicKey), invalid);
  assert.throws(() => keyIdOf(p256.publicKey), invalid);
  assert.throws(() => publicKeyFromRaw(new Uint8Array(31)), invalid);
});
