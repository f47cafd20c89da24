import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { openMemoryStore } from "@selvedge/storage";
import { type Authority, openAuthority } from "./certificate-authority.ts";
import { buildDeviceCertificate, generateP256, type Issuer } from "./certificate-builder.ts";
import { createCertificateReader } from "./certificate-reader.ts";
import { hosts, memoryKeyFolder, newDeviceKey, trustDomain } from "./fleet.fixture.ts";
import { OperatorTokens } from "./operator-tokens.ts";
import { type Caller, type Principal, type PrincipalRules, resolvePrincipal } from "./principal.ts";

const nowMs = Date.UTC(2030, 0, 1);
const weekMs = 7 * 86_400_000;
const deviceId = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
const files = new Map<string, string>();
const authority = await openFixtureAuthority(files);
const operatorTokens = await OperatorTokens.open({
  store: openMemoryStore(),
  rootPin: () => new Uint8Array(32),
  now: () => nowMs,
});
const { chain } = await authority.issueDeviceCertificate(createPublicKey(newDeviceKey()), deviceId, nowMs);

function openFixtureAuthority(keys: Map<string, string>, atMs: number = nowMs): Promise<Authority> {
  return openAuthority({ folder: memoryKeyFolder(keys), trustDomain, hosts, nowMs: atMs });
}

function resolve(
  caller: Partial<Caller>,
  { certificates = createCertificateReader(authority), ...rules }: Partial<PrincipalRules> = {},
): Principal {
  return resolvePrincipal(
    { certificate: undefined, headers: {}, ...caller },
    { nowMs, certificates, standingOf: () => "active", operatorTokens, ...rules },
  );
}

function presenting(der: Uint8Array, verifiedAtHandshake = true): Partial<Caller> {
  return { certificate: { chain: [der], verifiedAtHandshake } };
}

const leaf = chain[0] ?? new Uint8Array();
const none = { kind: "none" };
const unknownToken = { kind: "none", token: { refused: "unknown" } };

test("[EN12] a caller with our certificate is that device, and one without is nobody", () => {
  assert.deepEqual(resolve(presenting(leaf)), { kind: "device", deviceId });
  assert.deepEqual(resolve({}), none);
  assert.deepEqual(resolve({ certificate: { chain: [], verifiedAtHandshake: true } }), none);
});

test("[EN12] expiry is checked on each call, whatever TLS said when the connection was made", () => {
  for (const verifiedAtHandshake of [true, false]) {
    const caller = presenting(leaf, verifiedAtHandshake);
    const late = { nowMs: nowMs + weekMs + 1 };
    assert.deepEqual(resolve(caller, late), { kind: "expired-device", deviceId });
  }
  assert.equal(resolve(presenting(leaf), { nowMs: nowMs + weekMs }).kind, "device");
  assert.deepEqual(resolve(presenting(leaf), { nowMs: nowMs - 3_600_000 }), none);
});

test("[EN12] a certificate TLS did not accept is nobody's", () => {
  assert.deepEqual(resolve(presenting(leaf, false)), none);
});

test("[EN12] a revoked or quarantined device is barred, expired or not, and a pending one is told apart", () => {
  for (const standing of ["revoked", "quarantined"] as const) {
    const standingOf = (id: string) => (id === deviceId ? standing : "active");
    const barred = { kind: "barred-device", deviceId, standing };
    assert.deepEqual(resolve(presenting(leaf), { standingOf }), barred);
    assert.deepEqual(resolve(presenting(leaf), { standingOf, nowMs: nowMs + 2 * weekMs }), barred);
  }
  const standingOf = () => "pending" as const;
  assert.deepEqual(resolve(presenting(leaf), { standingOf }), { kind: "pending-device", deviceId });
  assert.deepEqual(resolve(presenting(leaf, false), { standingOf }), none);
  const late = { standingOf, nowMs: nowMs + 2 * weekMs };
  assert.deepEqual(resolve(presenting(leaf), late), { kind: "expired-device", deviceId });
});

test("[EN12] a device without a record is told apart, expired or not, and is no member", () => {
  const unknown = { kind: "unknown-device", deviceId };
  const standingOf = () => "unknown" as const;
  assert.deepEqual(resolve(presenting(leaf), { standingOf }), unknown);
  assert.deepEqual(resolve(presenting(leaf), { standingOf, nowMs: nowMs + 2 * weekMs }), unknown);
});

test("[EN12] a certificate of another root, though its names are the same, is nobody's", async () => {
  const other = await openFixtureAuthority(new Map());
  const { certificate } = await other.issueDeviceCertificate(
    createPublicKey(newDeviceKey()),
    deviceId,
    nowMs,
  );
  assert.deepEqual(resolve(presenting(certificate.raw)), none);
});

test("[EN12] certificates of ours that are no device's are nobody's", async () => {
  const server = new X509Certificate(authority.server.chain);
  const [intermediate] = authority.issuers;
  assert.ok(intermediate);
  for (const one of [server, intermediate, authority.root])
    assert.deepEqual(resolve(presenting(one.raw)), none);
  assert.deepEqual(resolve(presenting(Buffer.from("garbage"))), none);
});

test("[EN12] only a single SPIFFE device name of our domain counts", async () => {
  for (const uri of [
    `spiffe://other.example/device/${deviceId}`,
    `spiffe://${trustDomain}/operator/${deviceId}`,
    `spiffe://${trustDomain}/device/${deviceId}/x`,
    `spiffe://${trustDomain}/device/${deviceId.toUpperCase()}`,
    `spiffe://${trustDomain}/device/`,
  ]) {
    const validity = { notBeforeMs: nowMs, notAfterMs: nowMs + weekMs };
    const built = await buildDeviceCertificate(issuerOf(), createPublicKey(generateP256()), uri, validity);
    assert.deepEqual(resolve(presenting(built.raw)), none, uri);
  }
});

test("[EN12] a device whose intermediate was replaced meanwhile is still known", async () => {
  const later = await openFixtureAuthority(files, nowMs + 1000 * 86_400_000);
  assert.equal(resolve(presenting(leaf), { certificates: createCertificateReader(later) }).kind, "device");
});

test("[EN14] an operator is who has a token, whole and known", async () => {
  const { text } = await operatorTokens.create({ name: "ada", role: "admin", lifetimeMs: 1_000 });
  const bearer = (authorization: string) => resolve({ headers: { authorization } });
  assert.deepEqual(bearer(`Bearer ${text}`), { kind: "operator", name: "ada", role: "admin" });
  for (const wrong of [
    "",
    "Bearer ",
    text,
    `Basic ${text}`,
    `Bearer ${text}x`,
    `Bearer ${text.slice(0, -1)}`,
  ]) {
    assert.deepEqual(bearer(wrong), unknownToken, wrong);
  }
});

test("[EN14] a certificate does not help a wrong token", () => {
  const caller = { ...presenting(leaf), headers: { authorization: "Bearer svo1.wrong" } };
  assert.deepEqual(resolve(caller), unknownToken);
});

function issuerOf(): Issuer {
  const [certificate] = authority.issuers;
  assert.ok(certificate);
  return { certificate, privateKey: createPrivateKey(files.get("intermediate.key") ?? "") };
}
