import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { type RenewalClaim, signRenewal, verifyRenewal } from "./renewal-signature.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const bytes = fc.uint8Array({ maxLength: 48 });
const claims: fc.Arbitrary<RenewalClaim> = fc.record({
  nonce: bytes,
  host: fc.string({ maxLength: 32 }),
  csr: bytes,
  certificate: bytes,
});

test("[EN19] the signature of a grace renewal verifies for its claim, and not when any field changes", () => {
  fc.assert(
    fc.property(claims, (claim) => {
      const signature = signRenewal(privateKey, claim);
      assert.ok(verifyRenewal(publicKey, claim, signature));
      for (const [name, value] of Object.entries(claim)) {
        const changed = typeof value === "string" ? `${value}x` : Uint8Array.of(...value, 0);
        assert.ok(!verifyRenewal(publicKey, { ...claim, [name]: changed }, signature), name);
      }
    }),
    { numRuns: 50 },
  );
});

test("[EN19] bytes cannot move from the nonce to the host, and another key's signature does not count", () => {
  const claim = { nonce: Buffer.from("nonce"), host: "host", csr: Buffer.of(1), certificate: Buffer.of(2) };
  const signature = signRenewal(privateKey, claim);
  assert.ok(!verifyRenewal(publicKey, { ...claim, nonce: Buffer.from("nonceh"), host: "ost" }, signature));
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
  assert.ok(!verifyRenewal(other.publicKey, claim, signature));
});

test("[EN19] what is no signature is refused, and throws nothing", () => {
  const claim = { nonce: Buffer.of(1), host: "host", csr: Buffer.of(1), certificate: Buffer.of(2) };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (wrong) =>
      assert.ok(!verifyRenewal(publicKey, claim, wrong)),
    ),
    { numRuns: 200 },
  );
});
