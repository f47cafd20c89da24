import assert from "node:assert/strict";
import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  type RenewExpiredRequest,
  RenewExpiredRequestSchema,
  type RenewExpiredResponse,
  RenewRequestSchema,
  signRenewal,
} from "@selvedge/protocol";
import { keyDigestOf } from "./certificate-request.ts";
import {
  enrolRequest,
  exporter,
  type FixtureFleet,
  newDeviceKey,
  openFixtureFleet,
  requestCertificate,
} from "./fleet.fixture.ts";

const dayMs = 86_400_000;

/** An enrolled device as it is without an agent: a key, and a chain for it. */
interface Device {
  readonly fleet: FixtureFleet;
  readonly id: string;
  readonly key: KeyObject;
  readonly chain: readonly Uint8Array[];
}

async function enrolled(): Promise<Device> {
  const fleet = await openFixtureFleet();
  const key = newDeviceKey();
  const request = await enrolRequest({ fleet, token: await fleet.createToken(), privateKey: key });
  const { deviceId, chain } = await fleet.service.enrol(request, { exporter });
  return { fleet, id: deviceId, key, chain };
}

async function renew(device: Device, nextKey: KeyObject = newDeviceKey()): Promise<Device> {
  const { fleet, id, chain } = device;
  const csr = await requestCertificate(nextKey);
  const reply = await fleet.renewal.renew(
    id,
    chain[0] ?? new Uint8Array(),
    create(RenewRequestSchema, { csr }),
  );
  return { fleet, id, key: nextKey, chain: reply.chain };
}

interface Grace {
  readonly nextKey?: KeyObject;
  /** Replaces fields before the signature is made, and after it. */
  readonly signed?: Partial<RenewExpiredRequest>;
  readonly sent?: Partial<RenewExpiredRequest>;
}

async function renewExpired(device: Device, change: Grace = {}): Promise<RenewExpiredResponse> {
  const { fleet, key, chain } = device;
  const { nonce } = fleet.service.challenge();
  const csr = await requestCertificate(change.nextKey ?? newDeviceKey());
  const fields = { nonce, host: "localhost", csr, chain: [...chain], ...change.signed };
  const signature = signRenewal(key, { ...fields, certificate: fields.chain[0] ?? new Uint8Array() });
  const request = create(RenewExpiredRequestSchema, { ...fields, signature, ...change.sent });
  return fleet.renewal.renewExpired(request);
}

function leafOf({ chain }: Pick<Device, "chain">): X509Certificate {
  return new X509Certificate(chain[0] ?? new Uint8Array());
}

test("[EN17] a renewal is for the new key and the same device, and the record follows", async () => {
  const device = await enrolled();
  device.fleet.nowMs += 3.5 * dayMs;
  const renewed = await renew(device);
  const leaf = leafOf(renewed);
  assert.equal(leaf.subjectAltName, leafOf(device).subjectAltName);
  assert.ok(leaf.publicKey.equals(createPublicKey(renewed.key)));
  assert.equal(leaf.validToDate.getTime(), device.fleet.nowMs + 7 * dayMs);
  const record = await device.fleet.devices.read(device.id);
  assert.equal(record?.certificateSerial, leaf.serialNumber);
  assert.equal(record?.keyDigest, keyDigestOf(createPublicKey(renewed.key)));
});

test("[EN17] whose answer was lost asks again with the same key; who lost the key asks with another", async () => {
  const device = await enrolled();
  const key = newDeviceKey();
  await renew(device, key);
  const again = await renew(device, key);
  const other = await renew(device);
  assert.deepEqual(device.fleet.suspects, []);
  for (const known of [device.key, other.key]) {
    const digest = keyDigestOf(createPublicKey(known));
    assert.equal((await device.fleet.devices.findByKey(digest))?.id, device.id);
  }
  // The key that came to nothing is nobody's any more.
  assert.equal(await device.fleet.devices.findByKey(keyDigestOf(createPublicKey(again.key))), undefined);
});

test("[EN17] a key that was replaced long ago is taken for a copy", async () => {
  const device = await enrolled();
  device.fleet.nowMs += dayMs;
  const second = await renew(device);
  device.fleet.nowMs += dayMs;
  await renew(second);
  await assert.rejects(renew(device), { code: "permission_denied" });
  await assert.rejects(renewExpired(device), { code: "permission_denied" });
  assert.deepEqual(device.fleet.suspects, [device.id, device.id]);
});

test("[EN17] after an approval what comes first is believed", async () => {
  const device = await enrolled();
  device.fleet.nowMs += dayMs;
  await renew(await renew(device));
  device.fleet.nowMs += dayMs;
  const sinceMs = device.fleet.nowMs;
  await device.fleet.devices.replace(device.id, (record) => ({
    ...record,
    standing: { state: "active", reason: "", sinceMs },
  }));
  await renew(device);
  assert.deepEqual(device.fleet.suspects, []);
});

test("[EN17] a certificate that is newer than the records, as after a restored backup, is no copy", async () => {
  const device = await enrolled();
  const backup = await device.fleet.devices.read(device.id);
  assert.ok(backup);
  device.fleet.nowMs += dayMs;
  const second = await renew(device);
  device.fleet.nowMs += dayMs;
  const third = await renew(second);
  await device.fleet.devices.replace(device.id, () => backup);
  await renew(third);
  assert.deepEqual(device.fleet.suspects, []);
});

test("[EN17] a key of another device is refused", async () => {
  const device = await enrolled();
  const { fleet } = device;
  const privateKey = newDeviceKey();
  const request = await enrolRequest({ fleet, token: await fleet.createToken(), privateKey });
  await fleet.service.enrol(request, { exporter });
  await assert.rejects(renew(device, privateKey), { code: "permission_denied", message: /another device's/ });
});

for (const [days, pending] of [
  [1, false],
  [29, false],
  [31, true],
] as const) {
  const outcome = pending ? "and waits for an approval" : "at once";
  test(`[EN${pending ? "20" : "19"}] a certificate that ran out ${days} days ago is renewed ${outcome}`, async () => {
    const device = await enrolled();
    device.fleet.nowMs += (7 + days) * dayMs;
    const nextKey = newDeviceKey();
    const reply = await renewExpired(device, { nextKey });
    assert.equal(reply.pending, pending);
    const leaf = leafOf(reply);
    assert.equal(leaf.subjectAltName, leafOf(device).subjectAltName);
    assert.ok(leaf.publicKey.equals(createPublicKey(nextKey)));
    assert.equal(device.fleet.devices.standingOf(device.id), pending ? "pending" : "active");
  });
}

test("[EN20] a device that waits can be renewed as often as it takes, and is let in by one approval", async () => {
  const device = await enrolled();
  device.fleet.nowMs += 60 * dayMs;
  const key = newDeviceKey();
  await renewExpired(device, { nextKey: key });
  device.fleet.nowMs += 60 * dayMs;
  assert.equal((await renewExpired(device, { nextKey: key })).pending, true);
  const sinceMs = device.fleet.nowMs;
  await device.fleet.devices.replace(device.id, (record) => ({
    ...record,
    standing: { state: "active", reason: "", sinceMs },
  }));
  assert.equal((await renewExpired(device, { nextKey: key })).pending, false);
  assert.equal(device.fleet.devices.standingOf(device.id), "active");
});

test("[EN19] a device that was revoked while it was away stays out", async () => {
  const device = await enrolled();
  device.fleet.nowMs += 10 * dayMs;
  for (const state of ["revoked", "quarantined"] as const) {
    await device.fleet.devices.replace(device.id, (record) => ({
      ...record,
      standing: { state, reason: "", sinceMs: device.fleet.nowMs },
    }));
    const before = JSON.stringify(await device.fleet.store.list(""));
    await assert.rejects(renewExpired(device), { code: "permission_denied", message: new RegExp(state) });
    assert.equal(JSON.stringify(await device.fleet.store.list("")), before);
  }
});

test("[EN19] under an issuing key that no longer counts, only a key on record does", async () => {
  const device = await enrolled();
  const { authority, nowMs } = device.fleet;
  const forger = newDeviceKey();
  const forged = await authority.issueDeviceCertificate(createPublicKey(forger), device.id, nowMs);
  await authority.rotateIntermediate(nowMs);
  await authority.dropOldIntermediates(nowMs);
  await assert.rejects(renewExpired({ ...device, key: forger, chain: forged.chain }), {
    code: "unauthenticated",
    fix: /selvedge join/,
  });
  const reply = await renewExpired(device);
  assert.equal(leafOf(reply).subjectAltName, leafOf(device).subjectAltName);
  assert.equal(reply.pending, false);

  // What such a certificate says of itself does not count: when it ran out stands in the records.
  device.fleet.nowMs += 60 * dayMs;
  const later = { publicKey: createPublicKey(device.key), atMs: device.fleet.nowMs - dayMs };
  const flattering = await (await openFixtureFleet()).authority.issueDeviceCertificate(
    later.publicKey,
    device.id,
    later.atMs,
  );
  assert.equal((await renewExpired({ ...device, chain: flattering.chain })).pending, true);
});

const forgeries: readonly (readonly [
  what: string,
  change: (device: Device) => Promise<Grace>,
  code: string,
])[] = [
  [
    "another request than was signed",
    async () => ({ sent: { csr: await requestCertificate(newDeviceKey()) } }),
    "unauthenticated",
  ],
  ["a message for another host", async () => ({ signed: { host: "evil.example" } }), "permission_denied"],
  [
    "a host that was changed",
    async () => ({ signed: { host: "evil.example" }, sent: { host: "localhost" } }),
    "unauthenticated",
  ],
  ["a nonce of its own", async () => ({ signed: { nonce: new Uint8Array(32) } }), "failed_precondition"],
  ["no certificate", async () => ({ sent: { chain: [] } }), "unauthenticated"],
  [
    "a certificate that is none",
    async () => ({ signed: { chain: [Buffer.from("garbage")] } }),
    "unauthenticated",
  ],
  [
    "a certificate of megabytes",
    async () => ({ signed: { chain: [new Uint8Array(1_000_000)] } }),
    "unauthenticated",
  ],
  ["no signature", async () => ({ sent: { signature: new Uint8Array() } }), "unauthenticated"],
  [
    "the certificate of the coordinator",
    async ({ fleet }) => ({
      signed: { chain: [new Uint8Array(new X509Certificate(fleet.authority.server.chain).raw)] },
    }),
    "unauthenticated",
  ],
  [
    "another fleet's certificate",
    async () => ({ signed: { chain: [...(await enrolled()).chain] } }),
    "unauthenticated",
  ],
  ["a request that is none", async () => ({ signed: { csr: Buffer.from("garbage") } }), "invalid_argument"],
];

for (const [what, forge, code] of forgeries) {
  test(`[EN19] ${what} is refused, and nothing is recorded`, async () => {
    const device = await enrolled();
    device.fleet.nowMs += 8 * dayMs;
    const before = JSON.stringify(await device.fleet.store.list(""));
    await assert.rejects(renewExpired(device, await forge(device)), { code });
    assert.equal(JSON.stringify(await device.fleet.store.list("")), before);
  });
}

test("[EN19] a message counts once", async () => {
  const device = await enrolled();
  const { fleet, key, chain } = device;
  fleet.nowMs += 8 * dayMs;
  const { nonce } = fleet.service.challenge();
  const csr = await requestCertificate(newDeviceKey());
  const claim = { nonce, host: "localhost", csr, certificate: chain[0] ?? new Uint8Array() };
  const signature = signRenewal(key, claim);
  const request = create(RenewExpiredRequestSchema, {
    nonce,
    host: "localhost",
    csr,
    chain: [...chain],
    signature,
  });
  await fleet.renewal.renewExpired(request);
  await assert.rejects(fleet.renewal.renewExpired(request), { code: "failed_precondition" });
});
