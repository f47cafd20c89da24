import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { keyDigestOf, readCertificateRequest } from "./certificate-request.ts";
import { newDeviceKey, requestCertificate } from "./fleet.fixture.ts";

test("[EN9] a request gives its P-256 public key and nothing else", async () => {
  const privateKey = newDeviceKey();
  const publicKey = await readCertificateRequest(await requestCertificate(privateKey));
  assert.ok(publicKey.equals(createPublicKey(privateKey)));
  assert.match(keyDigestOf(publicKey), /^[0-9a-f]{64}$/);
});

test("[EN9] a request for another kind of key is refused", async () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  for (const key of [newDeviceKey("P-384"), rsa]) {
    const refused = { code: "invalid_argument", message: /not on the curve P-256/ };
    await assert.rejects(async () => readCertificateRequest(await requestCertificate(key)), refused);
  }
});

test("[EN9] a request that its own key did not sign is refused", async () => {
  const der = await requestCertificate(newDeviceKey());
  const other = Buffer.from(await requestCertificate(newDeviceKey()));
  const spki = createPublicKey(newDeviceKey()).export({ type: "spki", format: "der" });
  const swapped = Buffer.from(der);
  const at = swapped.indexOf(spki.subarray(0, 26));
  spki.copy(swapped, at);
  await assert.rejects(readCertificateRequest(swapped), { message: /not signed by the key/ });
  const tampered = Buffer.from(der);
  tampered.writeUInt8(tampered.readUInt8(40) ^ 1, 40);
  await assert.rejects(readCertificateRequest(tampered), { code: "invalid_argument" });
  assert.ok(await readCertificateRequest(other));
});

test("[EN9] bytes that are no request are refused, whatever they are", async () => {
  const der = await requestCertificate(newDeviceKey());
  const refused = { code: "invalid_argument" };
  for (const bytes of [
    new Uint8Array(),
    der.subarray(0, -1),
    Buffer.from("-----BEGIN CERTIFICATE REQUEST-----"),
  ]) {
    await assert.rejects(readCertificateRequest(bytes), refused);
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      await assert.rejects(readCertificateRequest(bytes), refused);
    }),
  );
  await assert.rejects(readCertificateRequest(randomBytes(5000)), { code: "too_large" });
});
