import assert from "node:assert/strict";
import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type AuthorityOptions, openAuthority } from "./certificate-authority.ts";
import { hosts, memoryKeyFolder, newDeviceKey, trustDomain } from "./fleet.fixture.ts";
import { openKeyFolder } from "./key-folder.ts";

const nowMs = Date.UTC(2030, 0, 1);
const dayMs = 86_400_000;
const deviceId = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

function optionsFor(files: Map<string, string>, change: Partial<AuthorityOptions> = {}): AuthorityOptions {
  return { folder: memoryKeyFolder(files), trustDomain, hosts, nowMs, ...change };
}

test("[EN10] a device certificate names the device, is for a client, lasts seven days and ends at the root", async () => {
  const authority = await openAuthority(optionsFor(new Map()));
  const publicKey = createPublicKey(newDeviceKey());
  const { certificate, chain } = await authority.issueDeviceCertificate(publicKey, deviceId, nowMs);
  const [leaf, intermediate] = chain.map((der) => new X509Certificate(der));
  assert.ok(leaf && intermediate && chain.length === 2);
  assert.equal(leaf.raw.toString("hex"), certificate.raw.toString("hex"));
  assert.equal(leaf.subjectAltName, `URI:spiffe://fleet.example/device/${deviceId}`);
  assert.deepEqual(leaf.keyUsage, ["1.3.6.1.5.5.7.3.2"]);
  assert.equal(leaf.ca, false);
  assert.equal(leaf.validToDate.getTime(), nowMs + 7 * dayMs);
  assert.ok(leaf.validFromDate.getTime() < nowMs);
  assert.ok(leaf.publicKey.equals(publicKey));
  assert.ok(leaf.checkIssued(intermediate) && leaf.verify(intermediate.publicKey));
  assert.ok(intermediate.ca && intermediate.checkIssued(authority.root));
  assert.ok(intermediate.verify(authority.root.publicKey) && authority.root.verify(authority.root.publicKey));
});

test("[EN1] the pin is the SHA-256 of the root's SubjectPublicKeyInfo", async () => {
  const { root, rootPin } = await openAuthority(optionsFor(new Map()));
  const spki = root.publicKey.export({ type: "spki", format: "der" });
  assert.deepEqual(Buffer.from(rootPin), createHash("sha256").update(spki).digest());
});

test("keys stay the same from one start to the next", async () => {
  const files = new Map<string, string>();
  await openAuthority(optionsFor(files));
  const before = new Map(files);
  await openAuthority(optionsFor(files, { nowMs: nowMs + dayMs }));
  assert.deepEqual(files, before);
});

test("a crash at any write leaves keys from which the next start goes on, under the same pin", async () => {
  const writes = 7;
  for (let failAt = 1; failAt <= writes; failAt++) {
    const files = new Map<string, string>();
    await assert.rejects(
      openAuthority(optionsFor(files, { folder: memoryKeyFolder(files, failAt) })),
      /crash/,
    );
    const survivors = new Map(files);
    const authority = await openAuthority(optionsFor(files));
    for (const [name, content] of survivors) assert.equal(files.get(name), content, name);
    const again = await openAuthority(optionsFor(files));
    assert.deepEqual(again.rootPin, authority.rootPin);
  }
  await openAuthority(optionsFor(new Map(), { folder: memoryKeyFolder(new Map(), writes + 1) }));
});

test("a lost root key is an error, never a new root", async () => {
  const files = new Map<string, string>();
  await openAuthority(optionsFor(files));
  files.delete("root.key");
  await assert.rejects(openAuthority(optionsFor(files)), {
    code: "corrupt",
    message: /root\.key is missing/,
  });
  files.set("root.key", "-----BEGIN");
  await assert.rejects(openAuthority(optionsFor(files)), { code: "corrupt", message: /not a private key/ });
  files.set("root.key", newDeviceKey().export({ type: "pkcs8", format: "pem" }).toString());
  await assert.rejects(openAuthority(optionsFor(files)), {
    code: "corrupt",
    message: /do not belong together/,
  });
});

test("keys of another fleet are refused", async () => {
  const files = new Map<string, string>();
  await openAuthority(optionsFor(files));
  const other = optionsFor(files, { trustDomain: "other.example" });
  await assert.rejects(openAuthority(other), { code: "failed_precondition", fix: /fleet\.example/ });
});

test("the server certificate names every host, and is renewed at half its life or for other hosts", async () => {
  const files = new Map<string, string>();
  const names = [...hosts, "::1", "10.0.0.7"];
  const first = await openAuthority(optionsFor(files, { hosts: names }));
  const leaf = new X509Certificate(first.server.chain);
  assert.ok(leaf.checkHost("localhost") && leaf.checkIP("::1") && leaf.checkIP("10.0.0.7"));
  assert.deepEqual(leaf.keyUsage, ["1.3.6.1.5.5.7.3.1"]);

  const later = (days: number, change = {}) =>
    openAuthority(optionsFor(files, { hosts: names, nowMs: nowMs + days * dayMs, ...change }));
  assert.equal((await later(182)).server.chain, first.server.chain);
  const renewed = await later(184);
  assert.notEqual(renewed.server.chain, first.server.chain);
  assert.equal(renewed.server.key, first.server.key);
  const moved = await later(185, { hosts: ["new.example"] });
  assert.equal(new X509Certificate(moved.server.chain).subjectAltName, "DNS:new.example");
});

test("an intermediate past half its life is replaced, and what it signed still counts", async () => {
  const files = new Map<string, string>();
  const first = await openAuthority(optionsFor(files));
  const second = await openAuthority(optionsFor(files, { nowMs: nowMs + 1000 * dayMs }));
  assert.deepEqual(second.rootPin, first.rootPin);
  assert.equal(second.issuers.length, 2);
  assert.equal(second.issuers[1]?.serialNumber, first.issuers[0]?.serialNumber);
  const server = new X509Certificate(second.server.chain);
  assert.ok(second.issuers[0] && server.checkIssued(second.issuers[0]));
  const third = await openAuthority(optionsFor(files, { nowMs: nowMs + 2000 * dayMs }));
  assert.ok(third.issuers.every((one) => one.validToDate.getTime() > nowMs + 2000 * dayMs));
});

test("[EN10] a device certificate lasts three times the offline budget, and at least a day", async () => {
  const lifeOf = async (offlineBudgetMs?: number): Promise<number> => {
    const change = offlineBudgetMs === undefined ? {} : { offlineBudgetMs };
    const authority = await openAuthority(optionsFor(new Map(), change));
    const publicKey = createPublicKey(newDeviceKey());
    const { certificate } = await authority.issueDeviceCertificate(publicKey, deviceId, nowMs);
    return certificate.validToDate.getTime() - nowMs;
  };
  assert.equal(await lifeOf(), 7 * dayMs);
  assert.equal(await lifeOf(0), dayMs);
  assert.equal(await lifeOf(3_600_000), dayMs);
  assert.equal(await lifeOf(10 * dayMs), 30 * dayMs);
  for (const bad of [-1, Number.NaN, 121 * dayMs]) {
    await assert.rejects(lifeOf(bad), { code: "invalid_argument", at: "offline budget" });
  }
});

test("[EN16] an authority that stays open renews the server's certificate, says so once, and keeps its key", async () => {
  const authority = await openAuthority(optionsFor(new Map()));
  const { key, chain } = authority.server;
  let changes = 0;
  authority.onChange(() => {
    changes += 1;
  });
  await authority.refresh(nowMs + 182 * dayMs);
  assert.deepEqual([authority.server.chain, changes], [chain, 0]);
  await Promise.all([authority.refresh(nowMs + 184 * dayMs), authority.refresh(nowMs + 184 * dayMs)]);
  assert.notEqual(authority.server.chain, chain);
  assert.deepEqual([authority.server.key, changes], [key, 1]);
});

test("[EN21] what vouches for the coordinator is valid for a clock that starts in 1970", async () => {
  const authority = await openAuthority(optionsFor(new Map()));
  const server = new X509Certificate(authority.server.chain);
  for (const one of [authority.root, ...authority.issuers, server])
    assert.equal(one.validFromDate.getTime(), 0);
});

test("nothing is renewed that would not last longer, when the root itself is near its end", async () => {
  const files = new Map<string, string>();
  const { root } = await openAuthority(optionsFor(files));
  const late = root.validToDate.getTime() - 30 * dayMs;
  await openAuthority(optionsFor(files, { nowMs: late }));
  const before = new Map(files);
  await openAuthority(optionsFor(files, { nowMs: late + dayMs }));
  assert.deepEqual(files, before);
});

test("a certificate never outlives its issuer", async () => {
  const authority = await openAuthority(optionsFor(new Map()));
  const [issuer] = authority.issuers;
  const end = issuer?.validToDate.getTime() ?? 0;
  const publicKey = createPublicKey(newDeviceKey());
  const { certificate } = await authority.issueDeviceCertificate(publicKey, deviceId, end - dayMs);
  assert.equal(certificate.validToDate.getTime(), end);
});

test("every key file is for its owner alone", async (t) => {
  const path = await mkdtemp(join(tmpdir(), "selvedge-"));
  t.after(() => rm(path, { recursive: true }));
  const folder = await openKeyFolder(join(path, "keys"));
  await openAuthority(optionsFor(new Map(), { folder }));
  const names = await readdir(folder.path);
  assert.deepEqual(names.sort(), [
    "intermediate.key",
    "intermediates.crt",
    "root.crt",
    "root.key",
    "sealing.key",
    "server.crt",
    "server.key",
  ]);
  for (const name of names) assert.equal((await stat(join(folder.path, name))).mode & 0o777, 0o600, name);
  assert.equal((await stat(folder.path)).mode & 0o777, 0o700);
});

test("a bad trust domain or host is refused by name", async () => {
  const invalid = { code: "invalid_argument" };
  for (const bad of ["", "Fleet", "a/b", "a".repeat(256)]) {
    await assert.rejects(openAuthority(optionsFor(new Map(), { trustDomain: bad })), invalid);
  }
  for (const bad of [[], ["a.example", "https://b.example"], ["UPPER"], [""]]) {
    await assert.rejects(openAuthority(optionsFor(new Map(), { hosts: bad })), invalid);
  }
});
