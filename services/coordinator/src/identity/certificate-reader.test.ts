import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { test } from "node:test";
import { openAuthority } from "./certificate-authority.ts";
import { createCertificateReader } from "./certificate-reader.ts";
import { hosts, memoryKeyFolder, newDeviceKey, trustDomain } from "./fleet.fixture.ts";

const deviceId = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
const nowMs = Date.UTC(2030, 0, 1);

test("[EN12] a certificate that was found good is forgotten when its issuer no longer counts", async () => {
  const authority = await openAuthority({ folder: memoryKeyFolder(), trustDomain, hosts, nowMs });
  const { chain } = await authority.issueDeviceCertificate(createPublicKey(newDeviceKey()), deviceId, nowMs);
  const [leaf = new Uint8Array()] = chain;
  const reader = createCertificateReader(authority);
  const read = reader.read(leaf);
  assert.equal(read?.deviceId, deviceId);
  assert.equal(read.validToMs, nowMs + authority.deviceLifetimeMs);
  assert.equal(reader.read(new Uint8Array(leaf)), read, "equal bytes are read once");
  await authority.rotateIntermediate(nowMs);
  assert.equal(reader.read(leaf)?.deviceId, deviceId, "the old issuer still counts");
  await authority.dropOldIntermediates(nowMs);
  assert.equal(reader.read(leaf), undefined);
});

test("[EN12] one changed bit makes another certificate", async () => {
  const authority = await openAuthority({ folder: memoryKeyFolder(), trustDomain, hosts, nowMs });
  const { chain } = await authority.issueDeviceCertificate(createPublicKey(newDeviceKey()), deviceId, nowMs);
  const leaf = Buffer.from(chain[0] ?? []);
  const reader = createCertificateReader(authority);
  assert.ok(reader.read(leaf));
  for (let index = 0; index < leaf.length; index += 7) {
    const changed = Buffer.from(leaf);
    changed[index] = (changed[index] ?? 0) ^ 1;
    assert.equal(reader.read(changed), undefined, `byte ${index}`);
  }
});
