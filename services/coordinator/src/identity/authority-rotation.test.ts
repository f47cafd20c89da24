import assert from "node:assert/strict";
import { createPublicKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { type Authority, openAuthority } from "./certificate-authority.ts";
import { hosts, memoryKeyFolder, newDeviceKey, trustDomain } from "./fleet.fixture.ts";

const nowMs = Date.UTC(2030, 0, 1);
const dayMs = 86_400_000;
const deviceId = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

function open(files: Map<string, string>, failAt?: number, atMs: number = nowMs): Promise<Authority> {
  return openAuthority({ folder: memoryKeyFolder(files, failAt), trustDomain, hosts, nowMs: atMs });
}

function chainOf(pem: string): X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (block) => new X509Certificate(block),
  );
}

/** Whether a chain leads to a root, as a TLS library looks for it. */
function leadsTo(root: X509Certificate, [leaf, ...rest]: readonly X509Certificate[]): boolean {
  if (leaf === undefined) return false;
  if (leaf.checkIssued(root) && leaf.verify(root.publicKey)) return true;
  const [next] = rest;
  return next !== undefined && leaf.checkIssued(next) && leaf.verify(next.publicKey) && leadsTo(root, rest);
}

test("[EN23] a staged root is only told; the activated one is over everything, and the old one still leads to it", async () => {
  const files = new Map<string, string>();
  const authority = await open(files);
  const old = authority.root;
  const pin = authority.rootPin;
  await authority.stageRoot(nowMs);
  await authority.stageRoot(nowMs);
  assert.equal(authority.root.fingerprint256, old.fingerprint256);
  assert.deepEqual(authority.rootPin, pin);
  assert.equal(authority.trustBundle.length, 2);
  const { stagedRoot } = authority;
  assert.ok(stagedRoot);

  await authority.activateRoot(nowMs);
  assert.equal(authority.root.fingerprint256, stagedRoot.fingerprint256);
  assert.notDeepEqual(authority.rootPin, pin);
  assert.equal(authority.stagedRoot, undefined);
  const chains = [
    chainOf(authority.server.chain),
    (await authority.issueDeviceCertificate(createPublicKey(newDeviceKey()), deviceId, nowMs)).chain.map(
      (der) => new X509Certificate(der),
    ),
  ];
  for (const chain of chains) assert.ok(leadsTo(old, chain) && leadsTo(authority.root, chain));
  await assert.rejects(authority.stageRoot(nowMs), { code: "failed_precondition", fix: /--finish/ });
  await assert.rejects(authority.activateRoot(nowMs), {
    code: "failed_precondition",
    message: /no new root/,
  });

  await authority.dropOldRoots(nowMs);
  assert.equal(authority.trustBundle.length, 1);
  assert.equal(authority.clientRoots.length, 2, "certificates under the old root still count");
  assert.ok(!files.has("root.key"), "nobody can sign with the old root any more");
  assert.ok(leadsTo(old, chainOf(authority.server.chain)), "who slept through it all comes back");
  await authority.dropOldIntermediates(nowMs);
  assert.equal(authority.clientRoots.length, 1);
  const again = await open(files);
  assert.deepEqual(again.rootPin, authority.rootPin);
  assert.equal(again.server.chain, authority.server.chain);
});

test("[EN23] several rotations leave a way from the first root to the last", async () => {
  const authority = await open(new Map());
  const first = authority.root;
  for (let round = 0; round < 3; round++) {
    await authority.stageRoot(nowMs);
    await authority.activateRoot(nowMs);
    await authority.dropOldRoots(nowMs);
  }
  assert.ok(leadsTo(first, chainOf(authority.server.chain)));
});

test("[EN23] a crash at any write of a rotation leaves a folder from which the same step goes on", async () => {
  const steps: readonly ((authority: Authority) => Promise<void>)[] = [
    (authority) => authority.stageRoot(nowMs),
    (authority) => authority.activateRoot(nowMs),
    (authority) => authority.dropOldRoots(nowMs),
    (authority) => authority.rotateIntermediate(nowMs),
    (authority) => authority.dropOldIntermediates(nowMs),
  ];
  for (const [index, step] of steps.entries()) {
    const before = new Map<string, string>();
    const untouched = await open(before);
    for (const earlier of steps.slice(0, index)) await earlier(untouched);
    let failed = 0;
    for (let failAt = 1; ; failAt++) {
      const files = new Map(before);
      const dying = await open(files, failAt);
      const isDone = await step(dying).then(
        () => true,
        (error: unknown) => {
          assert.match(String(error), /crash/);
          return false;
        },
      );
      const restarted = await open(files);
      assert.ok(leadsTo(untouched.root, chainOf(restarted.server.chain)), `step ${index}, write ${failAt}`);
      assert.ok(leadsTo(restarted.root, chainOf(restarted.server.chain)));
      if (isDone) break;
      failed += 1;
      // Activating is finished by the start itself, when its one deciding write was made.
      const isActivated = index === 1 && restarted.stagedRoot === undefined;
      if (!isActivated) await step(restarted);
      const finished = await open(files);
      assert.equal(finished.trustBundle.length, [2, 2, 1, 1, 1][index]);
    }
    assert.ok(failed > 0);
  }
});

test("[EN24] a new issuing key signs from now on, and what the old one signed counts until it is dropped", async () => {
  const files = new Map<string, string>();
  const authority = await open(files);
  const [old] = authority.issuers;
  const server = authority.server.chain;
  await authority.rotateIntermediate(nowMs);
  assert.equal(authority.issuers.length, 2);
  assert.equal(authority.issuers[1]?.fingerprint256, old?.fingerprint256);
  assert.ok(old && authority.issuers[0] && !authority.issuers[0].publicKey.equals(old.publicKey));
  assert.notEqual(authority.server.chain, server);
  assert.ok(!files.has("intermediate.key"), "nobody can sign with the old key any more");
  await authority.dropOldIntermediates(nowMs);
  assert.equal(authority.issuers.length, 1);
  // It is renewed in its time as the first one is.
  const later = await open(files, 0, nowMs + 1000 * dayMs);
  assert.equal(later.issuers.length, 2);
  assert.ok(later.issuers[0]?.publicKey.equals(authority.issuers[0]?.publicKey ?? old.publicKey));
});
