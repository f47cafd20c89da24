import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { type EnrolmentClaim, enrolmentKey, enrolmentMac, verifyEnrolmentMac } from "./enrolment-mac.ts";

const bytes = fc.uint8Array({ maxLength: 48 });
const claims: fc.Arbitrary<EnrolmentClaim> = fc.record({
  tokenId: fc.string({ maxLength: 32 }),
  trustDomain: fc.string({ maxLength: 32 }),
  host: fc.string({ maxLength: 32 }),
  nonce: bytes,
  csr: bytes,
  exporter: bytes,
});
const key = enrolmentKey(new Uint8Array(32).fill(1), "abcd1234");

test("[EN4] the MAC verifies for its claim and for no other", () => {
  fc.assert(
    fc.property(claims, claims, (claim, other) => {
      const mac = enrolmentMac(key, claim);
      assert.ok(verifyEnrolmentMac(key, claim, mac));
      assert.equal(verifyEnrolmentMac(key, other, mac), same(claim, other));
    }),
  );
});

test("[EN4] changing any one field breaks the MAC", () => {
  fc.assert(
    fc.property(claims, (claim) => {
      const mac = enrolmentMac(key, claim);
      for (const [name, value] of Object.entries(claim)) {
        const changed = typeof value === "string" ? `${value}x` : Uint8Array.of(...value, 0);
        assert.ok(!verifyEnrolmentMac(key, { ...claim, [name]: changed }, mac), name);
      }
    }),
  );
});

test("[EN4] moving bytes from one field to the next breaks the MAC", () => {
  const claim: EnrolmentClaim = {
    tokenId: "abcd1234",
    trustDomain: "fleet.example",
    host: "a.example",
    nonce: Buffer.from("nonce"),
    csr: Buffer.from("csr"),
    exporter: new Uint8Array(),
  };
  const mac = enrolmentMac(key, claim);
  for (const moved of [
    { ...claim, tokenId: "abcd1234fleet", trustDomain: ".example" },
    { ...claim, trustDomain: "fleet.examplea", host: ".example" },
    { ...claim, host: "a.examplen", nonce: Buffer.from("once") },
    { ...claim, host: "", nonce: Buffer.from("a.examplenonce") },
    { ...claim, host: claim.trustDomain, trustDomain: claim.host },
  ]) {
    assert.ok(!verifyEnrolmentMac(key, moved, mac));
  }
});

test("[EN4] a truncated, lengthened or foreign MAC is refused", () => {
  fc.assert(
    fc.property(claims, fc.uint8Array({ maxLength: 64 }), (claim, wrong) => {
      const mac = enrolmentMac(key, claim);
      assert.ok(!verifyEnrolmentMac(key, claim, mac.subarray(0, 31)));
      assert.ok(!verifyEnrolmentMac(key, claim, Uint8Array.of(...mac, 0)));
      assert.ok(!verifyEnrolmentMac(key, claim, wrong));
      assert.ok(!verifyEnrolmentMac(enrolmentKey(new Uint8Array(32), "abcd1234"), claim, mac));
    }),
  );
});

test("[EN4] the MAC is HMAC-SHA-256 under the HKDF key over length-prefixed fields", () => {
  const fields = ["selvedge enrolment v1", "abcd1234", "fleet.example", "a.example", "nonce"].map((text) =>
    Buffer.from(text),
  );
  const claim = { tokenId: "abcd1234", trustDomain: "fleet.example", host: "a.example" };
  const hmac = createHmac(
    "sha256",
    hkdf(new Uint8Array(32).fill(1), "abcd1234", "selvedge enrolment key v1"),
  );
  const exporter = Buffer.alloc(32, 5);
  for (const field of [...fields, createHash("sha256").update("csr").digest(), exporter]) {
    hmac.update(Buffer.from([0, 0, 0, field.length])).update(field);
  }
  const mac = enrolmentMac(key, { ...claim, nonce: Buffer.from("nonce"), csr: Buffer.from("csr"), exporter });
  assert.equal(Buffer.from(mac).toString("hex"), hmac.digest("hex"));
});

/** RFC 5869 by hand, for one block of output. */
function hkdf(secret: Uint8Array, salt: string, info: string): Buffer {
  const extracted = createHmac("sha256", salt).update(secret).digest();
  return createHmac("sha256", extracted).update(info).update(Buffer.of(1)).digest();
}

function same(left: EnrolmentClaim, right: EnrolmentClaim): boolean {
  const text = (claim: EnrolmentClaim) =>
    JSON.stringify(
      Object.entries(claim)
        .map(([name, value]) => [name, [...value]])
        .sort(),
    );
  return text(left) === text(right);
}
