import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { releasesOf } from "./release.ts";
import { forge, keys, startFleet } from "./release-repository.fixture.ts";
import { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from "./signed-metadata.ts";

type Json = Record<string, unknown>;

/** Changes the signed part without signing: form is checked before signatures. */
function changed(bytes: Uint8Array, change: (signed: Json) => Json): Uint8Array {
  const document = JSON.parse(new TextDecoder().decode(bytes));
  return new TextEncoder().encode(JSON.stringify({ ...document, signed: change(document.signed) }));
}

const { initial } = await startFleet();
const parsers = {
  root: parseRoot,
  timestamp: parseTimestamp,
  snapshot: parseSnapshot,
  targets: parseTargets,
};

describe("metadata of another form is refused:", () => {
  const anyRole: Record<string, object> = {
    "version 0": { version: 0 },
    "version 1.5": { version: 1.5 },
    "version past 2^53": { version: 2 ** 53 },
    "version as text": { version: "1" },
    "a day without a time": { expires: "2030-01-01" },
    "a local time": { expires: "2030-01-01T00:00:00+02:00" },
    "no date": { expires: "2030-99-99T00:00:00Z" },
    "TUF 2": { spec_version: "2.0.0" },
  };
  for (const role of ["root", "timestamp", "snapshot", "targets"] as const) {
    for (const [name, fields] of Object.entries(anyRole)) {
      test(`[RL9] ${role}: ${name}`, () => {
        const bytes = changed(initial[role], (signed) => ({ ...signed, ...fields }));
        assert.throws(() => parsers[role](bytes, "test"), { code: "untrusted", at: "test" });
      });
    }
  }

  test("[RL9] a byte order mark, and bytes that are not UTF-8", () => {
    for (const prefix of [[0xef, 0xbb, 0xbf], [0xff]]) {
      const bytes = new Uint8Array([...prefix, ...initial.timestamp]);
      assert.throws(() => parseTimestamp(bytes, "test"), { code: "untrusted" });
    }
  });

  test("[RL5] no consistent snapshots, and a snapshot without the release list", () => {
    const root = changed(initial.root, (signed) => ({ ...signed, consistent_snapshot: false }));
    assert.throws(() => parseRoot(root, "test"), { code: "untrusted" });
    const listed = { version: 1, length: 10 };
    for (const meta of [
      {},
      { "targets.json": listed },
      { "targets.json": { ...listed, hashes: { md5: "00" } } },
    ]) {
      const snapshot = changed(initial.snapshot, (signed) => ({ ...signed, meta }));
      assert.throws(() => parseSnapshot(snapshot, "test"), { code: "untrusted" });
    }
  });

  test("[RL7] thresholds that any number of signatures meets, in root and delegations", () => {
    for (const threshold of [0, -1, 0.5]) {
      const root = changed(initial.root, (signed) => ({
        ...signed,
        roles: { ...(signed.roles as Json), targets: { keyids: [keys.release.id], threshold } },
      }));
      assert.throws(() => parseRoot(root, "test"), { code: "untrusted" });
      const targets = changed(initial.targets, (signed) => {
        const { keys: listed, roles } = signed.delegations as { keys: Json; roles: Json[] };
        return { ...signed, delegations: { keys: listed, roles: [{ ...roles[0], threshold }] } };
      });
      assert.throws(() => parseTargets(targets, "test"), { code: "untrusted" });
    }
  });

  test("[RL7] a delegation to a key under another id", () => {
    const targets = changed(initial.targets, (signed) => {
      const { keys: listed, roles } = signed.delegations as { keys: Json; roles: Json[] };
      return { ...signed, delegations: { keys: { ["0".repeat(64)]: listed[keys.round.id] }, roles } };
    });
    assert.throws(() => parseTargets(targets, "test"), {
      code: "untrusted",
      message: /not the key's own hash/,
    });
  });

  test("[RL1] a release without a SHA-256, or with hashes of other kinds only", () => {
    const custom = { name: "digits", version: 1, job: "job-1" };
    for (const hashes of [{}, { md5: "00" }, { sha256: "00" }, { sha256: "A".repeat(64) }]) {
      const target = { length: 1, hashes, custom };
      const bytes = forge(
        initial.targets,
        (signed) => ({ ...signed, targets: { "releases/digits/1/model.onnx": target } }),
        keys.release,
      );
      assert.throws(() => releasesOf(parseTargets(bytes, "test"), "test"), { code: "untrusted" });
    }
  });

  test("[RL1] targets of a later kind are skipped, not refused", () => {
    const other = { length: 1, hashes: { sha256: "0".repeat(64) } };
    const bytes = forge(
      initial.targets,
      (signed) => ({ ...signed, targets: { "images/x": other } }),
      keys.release,
    );
    assert.deepEqual(releasesOf(parseTargets(bytes, "test"), "test"), []);
  });
});
