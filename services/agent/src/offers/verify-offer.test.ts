import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { type Offer, SelvedgeError } from "@selvedge/protocol";
import { signedOffer } from "./offer.fixture.ts";
import { verifyOffer } from "./verify-offer.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const keys = [createPublicKey(privateKey)];

function refused(change: Partial<Offer>, pattern: RegExp): void {
  const offer = { ...signedOffer(privateKey), ...change };
  assert.throws(
    () => verifyOffer(offer, keys),
    (error) => error instanceof SelvedgeError && pattern.test(`${error.code}: ${error.message}`),
  );
}

test("[OF2] an offer whose plan an operator signed is taken as it came", () => {
  const offer = signedOffer(privateKey);
  const { facts, plan } = verifyOffer(offer, keys);
  assert.equal(facts.planDigest, offer.planDigest);
  assert.equal(facts.signer, offer.planSignature?.keyId);
  assert.equal(plan.plan.name, "digits");
  assert.deepEqual(Buffer.from(facts.plan, "base64"), Buffer.from(offer.plan));
});

test("[OF2] a plan that another key signed is not, unless that key comes along: then the policy decides", () => {
  const stranger = generateKeyPairSync("ed25519").privateKey;
  const offer = signedOffer(stranger);
  const signature = offer.planSignature ?? assert.fail("not signed");
  assert.equal(verifyOffer(offer, keys).facts.signer, signature.keyId);
  const without = { ...signature, publicKey: new Uint8Array() };
  assert.throws(() => verifyOffer({ ...offer, planSignature: without }, keys), { code: "untrusted" });
  const known = signedOffer(privateKey).planSignature ?? assert.fail("not signed");
  for (const claimed of [
    { ...signature, keyId: known.keyId },
    { ...signature, publicKey: known.publicKey },
    { ...known, publicKey: signature.publicKey },
  ]) {
    assert.throws(() => verifyOffer({ ...offer, planSignature: claimed }, keys), { code: "untrusted" });
  }
});

test("[OF2] a plan that changed after it was signed is not, whatever digest the offer names", () => {
  const original = signedOffer(privateKey);
  const changed = signedOffer(privateKey, { localEpochs: 9 });
  refused({ plan: changed.plan }, /^untrusted: the plan hashes to/);
  refused(
    { plan: changed.plan, planDigest: changed.planDigest, planSignature: original.planSignature },
    /^untrusted: the plan's signature does not match/,
  );
});

test("[OF2] a plan without a signature is not", () => {
  const { planSignature: _, ...unsigned } = signedOffer(privateKey);
  assert.throws(() => verifyOffer(unsigned, keys), { code: "untrusted" });
});

test("[OF2] a configuration that is not the one the offer names is not", () => {
  refused({ clientConfig: Buffer.from("{}") }, /^untrusted: the offer's configuration/);
});

test("an offer without a usable base or job is refused", () => {
  refused({ baseModel: undefined }, /^invalid_argument/);
  refused({ job: "../up" }, /^invalid_argument/);
});

test("[OF9] an offer says of its plan whether the loss is an output of its model", () => {
  assert.equal(verifyOffer(signedOffer(privateKey, { customLoss: true }), keys).facts.customLoss, true);
  assert.equal(verifyOffer(signedOffer(privateKey), keys).facts.customLoss, undefined);
});

test("[EV1] an offer asks for an evaluation only where its plan does, and for no training then", () => {
  const asked = verifyOffer(signedOffer(privateKey, { evaluate: true }), keys).facts;
  assert.deepEqual([asked.kind, asked.task, asked.keptBytes], ["evaluate", "evaluate", undefined]);
  assert.ok((asked.answerBytes ?? 0) > 0);
  refused({ phase: "evaluate" }, /^invalid_argument: the plan has no phase "evaluate"/);
  const trained = { ...signedOffer(privateKey, { evaluate: true }), phase: "train" };
  assert.throws(() => verifyOffer(trained, keys), /the plan has no phase "train"/);
});

test("[DS5] an offer asks for statistics only where its plan does", () => {
  const asked = verifyOffer(signedOffer(privateKey, { statistics: true }), keys).facts;
  assert.equal(asked.kind, "statistics");
  assert.ok((asked.answerBytes ?? 0) > 0);
  assert.equal(verifyOffer(signedOffer(privateKey), keys).facts.kind, undefined);
  refused({ phase: "statistics" }, /^invalid_argument: the plan has no phase "statistics"/);
  refused({ phase: "" }, /^invalid_argument: the plan has no phase ""/);
});
