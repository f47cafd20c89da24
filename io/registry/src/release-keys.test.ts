import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { chmod, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  generateSigningKey,
  readKeyFile,
  signingKeyFromPem,
  signingKeyToPem,
  writeKeyFile,
} from "./release-keys.ts";
import { keys, startFleet, testKey } from "./release-repository.fixture.ts";

test("a key goes through PEM unchanged, and its id follows from its public half", () => {
  const key = generateSigningKey();
  const again = signingKeyFromPem(signingKeyToPem(key), "test");
  assert.deepEqual([again.id, again.publicKey], [key.id, key.publicKey]);
  assert.match(key.publicKey, /^[0-9a-f]{64}$/);
  // SHA-256 of {"keytype":"ed25519","keyval":{"public":"1780…"},"scheme":"ed25519"}, computed with sha256sum.
  assert.equal(testKey("root").id, rootKeyId);
});

test("what is no Ed25519 private key is refused by name", () => {
  const otherKind = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  for (const pem of ["", "garbage", otherKind.export({ type: "pkcs8", format: "pem" }).toString()]) {
    assert.throws(() => signingKeyFromPem(pem, "release.pem"), {
      code: "invalid_argument",
      at: "release.pem",
    });
  }
});

test("a key file is its owner's alone and never overwritten", async () => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-keys-"));
  try {
    const path = join(folder, "release.pem");
    await writeKeyFile(path, keys.release);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await readKeyFile(path)).id, keys.release.id);
    await assert.rejects(writeKeyFile(path, keys.root), { code: "already_exists", at: path });
    await chmod(path, 0o640);
    await assert.rejects(readKeyFile(path), { code: "permission_denied", at: path });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("signatures are Ed25519 over canonical JSON: sorted names, no spaces", async () => {
  const { initial } = await startFleet();
  for (const [bytes, key] of [
    [initial.root, keys.root],
    [initial.targets, keys.release],
    [initial.snapshot, keys.online],
    [initial.timestamp, keys.online],
  ] as const) {
    const { signed, signatures } = JSON.parse(new TextDecoder().decode(bytes));
    assert.deepEqual(
      signatures.map((entry: { keyid: string }) => entry.keyid),
      [key.id],
    );
    const signature = Buffer.from(signatures[0].sig, "hex");
    assert.ok(
      verify(null, Buffer.from(JSON.stringify(sorted(signed))), createPublicKey(key.privateKey), signature),
    );
  }
});

/** Independent of the library; equal to canonical JSON while texts hold nothing but printable ASCII. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, entry]) => [name, sorted(entry)]),
  );
}

const rootKeyId = "969a5a705619e497ec728049a0d89a2163195434ff9052a5fa1075bb516e6751";
