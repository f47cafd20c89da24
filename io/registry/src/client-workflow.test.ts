import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "@selvedge/protocol";
import { openMemoryStore } from "@selvedge/storage";
import {
  assertRefused,
  day,
  type Fleet,
  fetchFrom,
  fetchOnly,
  forge,
  keys,
  listingSnapshot,
  model,
  publish,
  signOnline,
  startFleet,
  testKey,
  withOnlineKey,
} from "./release-repository.fixture.ts";
import { ReleaseRepository } from "./release-repository.ts";
import { signRound } from "./round-metadata.ts";
import { addRelease, renewTargets } from "./sign-release.ts";
import { signNextRoot } from "./sign-root.ts";

const untrusted = { code: "untrusted" };

test("[RL1] a release signed with the release key is trusted, and is the one to install", async () => {
  const fleet = await startFleet();
  assert.equal(fleet.device.releaseToInstall("digits", undefined), undefined);
  const release = await publish(fleet.repository, "digits", "a");
  const result = await fleet.device.update(fetchFrom(fleet.repository));
  assert.deepEqual(result, { changed: true, releases: [release] });
  assert.deepEqual(release, {
    name: "digits",
    version: 1,
    job: "job-1",
    blob: { digest: model("a").digest, length: model("a").length },
  });
  assert.deepEqual(fleet.device.releaseToInstall("digits", undefined), release);
  assert.equal(fleet.device.releaseToInstall("digits", 1), undefined);
  assert.equal(fleet.device.newestRelease("letters"), undefined);
  assert.equal(fleet.device.timestampVersion(), fleet.repository.timestampVersion());
  assert.equal((await fleet.device.update(fetchFrom(fleet.repository))).changed, false);
});

describe("a release list that the release key did not sign is refused", () => {
  const forgeries = {
    unsigned: [],
    "signed with a stranger's key": [keys.stranger],
    "signed with the online key": [keys.online],
    "signed with the root key": [keys.root],
  };
  for (const [name, signers] of Object.entries(forgeries)) {
    test(`[RL1] ${name}`, async () => {
      const fleet = await startFleet();
      await fleet.device.update(fetchFrom(fleet.repository));
      const { targets } = addRelease(
        fleet.repository.currentTargets(),
        { name: "digits", job: "job-1", blob: model("evil") },
        keys.release,
        fleet.now,
      );
      const forged = forge(targets, (signed) => signed, ...signers);
      await assertRefused(fleet, fetchOnly(withOnlineKey(fleet, forged)), {
        code: "untrusted",
        message: /not signed as the role "targets" requires/,
      });
      await assert.rejects(fleet.repository.publish(forged), untrusted);
    });
  }

  test("[RL1] invalid_sig_in_valid_metadata: the signature is of other content", async () => {
    const fleet = await startFleet();
    await publish(fleet.repository, "digits", "a");
    const text = new TextDecoder().decode(fleet.repository.currentTargets());
    const changed = new TextEncoder().encode(text.replace(model("a").digest.slice(7), "0".repeat(64)));
    await assertRefused(fleet, fetchOnly(withOnlineKey(fleet, changed)));
  });
});

test("[RL2] a round-signed list offered as a release list is refused", async () => {
  const fleet = await startFleet();
  await fleet.device.update(fetchFrom(fleet.repository));
  const round = { job: "job-1", round: 3, weights: model("round"), expires: fleet.now + day };
  const asRound = signRound(round, keys.round);
  const asRelease = forge(
    addRelease(
      fleet.repository.currentTargets(),
      { name: "digits", job: "job-1", blob: model("round") },
      keys.release,
      fleet.now,
    ).targets,
    (signed) => signed,
    keys.round,
  );
  for (const targets of [asRound, asRelease]) {
    await assertRefused(fleet, fetchOnly(withOnlineKey(fleet, targets)), {
      code: "untrusted",
      message: /not signed as the role "targets" requires/,
    });
    await assert.rejects(fleet.repository.publish(targets), untrusted);
  }
});

describe("timestamp and snapshot count only when the online key signed them", () => {
  const signers = { nobody: [], "a stranger": [keys.stranger], "the release key": [keys.release] };
  for (const [name, by] of Object.entries(signers)) {
    test(`[RL5] signed by ${name}`, async () => {
      const fleet = await startFleet();
      const timestamp = forge(fleet.initial.timestamp, (signed) => signed, ...by);
      await assertRefused(fleet, fetchFrom(fleet.repository, { "timestamp.json": timestamp }), {
        code: "untrusted",
        message: /role "timestamp"/,
      });
      const online = signOnline(fleet.initial.targets, { snapshot: 9, timestamp: 9 }, fleet.now);
      const snapshot = forge(online.snapshot, (signed) => signed, ...by);
      const listing = forge(online.timestamp, listingSnapshot(snapshot), keys.online);
      await assertRefused(fleet, fetchOnly({ "timestamp.json": listing, "9.snapshot.json": snapshot }), {
        code: "untrusted",
        message: /role "snapshot"/,
      });
    });
  }
});

describe("documents that do not belong together are refused", () => {
  test("[RL5] snapshot_hash_mismatch and targets_hash_mismatch", async () => {
    const fleet = await startFleet();
    const padded = (bytes: Uint8Array) => new Uint8Array([...bytes.subarray(0, -1), 0x20, 0x7d]);
    const snapshot = padded(fleet.initial.snapshot);
    await assertRefused(fleet, fetchFrom(fleet.repository, { "1.snapshot.json": snapshot }), {
      code: "too_large",
    });
    const targets = fleet.initial.targets.map((byte, index) => (index === 5 ? byte ^ 1 : byte));
    await assertRefused(fleet, fetchFrom(fleet.repository, { "1.targets.json": targets }), {
      code: "untrusted",
      message: /SHA-256/,
    });
  });

  test("[RL5] mix-and-match: snapshot and list of different moments, each rightly signed", async () => {
    const fleet = await startFleet();
    await publish(fleet.repository, "digits", "a");
    const files = { "2.snapshot.json": fleet.initial.snapshot, "2.targets.json": fleet.initial.targets };
    for (const [name, bytes] of Object.entries(files)) {
      await assertRefused(fleet, fetchFrom(fleet.repository, { [name]: bytes }), {
        code: "untrusted",
        at: name,
      });
    }
  });

  test("[RL5] url_and_metadata_version_mismatch", async () => {
    const fleet = await startFleet();
    const targets = fleet.initial.targets;
    const online = signOnline(targets, { snapshot: 7, timestamp: 7 }, fleet.now);
    const timestamp = forge(
      online.timestamp,
      (signed) => {
        const listed = (signed.meta as Record<string, object>)["snapshot.json"];
        return { ...signed, meta: { "snapshot.json": { ...listed, version: 8 } } };
      },
      keys.online,
    );
    const files = {
      "timestamp.json": timestamp,
      "8.snapshot.json": online.snapshot,
      "1.targets.json": targets,
    };
    await assertRefused(fleet, fetchOnly(files), {
      code: "untrusted",
      message: /version is 7 where 8 is listed/,
    });
  });

  test("[RL5] a release list of another version than the snapshot lists", async () => {
    const fleet = await startFleet();
    const targets = fleet.initial.targets;
    const online = signOnline(targets, { snapshot: 9, timestamp: 9 }, fleet.now);
    const snapshot = forge(
      online.snapshot,
      (signed) => {
        const listed = (signed.meta as Record<string, object>)["targets.json"];
        return { ...signed, meta: { "targets.json": { ...listed, version: 8 } } };
      },
      keys.online,
    );
    const timestamp = forge(online.timestamp, listingSnapshot(snapshot), keys.online);
    const files = { "timestamp.json": timestamp, "9.snapshot.json": snapshot, "8.targets.json": targets };
    await assertRefused(fleet, fetchOnly(files), {
      code: "untrusted",
      message: /version is 1 where 8 is listed/,
    });
  });

  test("[RL5] targets_role_removal and files listed without a hash", async () => {
    const fleet = await startFleet();
    const online = signOnline(fleet.initial.targets, { snapshot: 9, timestamp: 9 }, fleet.now);
    const unhashed = forge(
      online.timestamp,
      (signed) => ({ ...signed, meta: { "snapshot.json": { version: 9 } } }),
      keys.online,
    );
    await assertRefused(fleet, fetchOnly({ "timestamp.json": unhashed }));
    const removed = forge(online.snapshot, (signed) => ({ ...signed, meta: {} }), keys.online);
    await assertRefused(fleet, fetchOnly({ "timestamp.json": removed }));
  });

  test("[RL5] incorrect_metadata_type", async () => {
    const fleet = await startFleet();
    await assertRefused(fleet, fetchFrom(fleet.repository, { "timestamp.json": fleet.initial.snapshot }), {
      code: "untrusted",
      message: /expected 'timestamp', got snapshot/,
    });
  });
});

describe("a new root counts only when the old and the new root keys signed it", () => {
  const newRoot = testKey("new root");
  const newRelease = testKey("new release");
  const newOnline = testKey("new online");

  test("[RL6] root rotation: device follows each version to the last", async () => {
    const fleet = await startFleet();
    const second = signNextRoot(fleet.initial.root, keys.root, { ...keys, root: newRoot }, fleet.now);
    await fleet.repository.publishRoot(second);
    const third = signNextRoot(second, newRoot, { ...keys, root: newRoot }, fleet.now);
    await fleet.repository.publishRoot(third);
    const release = await publish(fleet.repository, "digits", "a");
    const result = await fleet.device.update(fetchFrom(fleet.repository));
    assert.deepEqual(result.releases, [release]);
    const restarted = await fleet.openDevice();
    assert.deepEqual(restarted.releases(), [release]);
    assert.equal((await restarted.update(fetchFrom(fleet.repository))).changed, false);
  });

  const bad = {
    "signed by the new root key only": [newRoot],
    "signed by the old root key only": [keys.root],
    "signed by the release key": [keys.release, newRoot],
    unsigned: [],
  };
  for (const [name, signers] of Object.entries(bad)) {
    test(`[RL6] ${name}`, async () => {
      const fleet = await startFleet();
      const good = signNextRoot(fleet.initial.root, keys.root, { ...keys, root: newRoot }, fleet.now);
      const root = forge(good, (signed) => signed, ...signers);
      await assertRefused(fleet, fetchFrom(fleet.repository, { "2.root.json": root }));
      await assert.rejects(fleet.repository.publishRoot(root), untrusted);
    });
  }

  test("[RL6] a skipped or repeated version", async () => {
    const fleet = await startFleet();
    for (const version of [1, 3]) {
      const root = forge(fleet.initial.root, (signed) => ({ ...signed, version }), keys.root);
      await assertRefused(fleet, fetchFrom(fleet.repository, { "2.root.json": root }), {
        code: "untrusted",
        message: new RegExp(`root version is ${version} where 2 must follow`),
      });
      await assert.rejects(fleet.repository.publishRoot(root), { code: "conflict" });
    }
  });

  test("[RL6] cached_role_verified_against_current_delegator: what a replaced key signed no longer counts", async () => {
    const fleet = await startFleet();
    await publish(fleet.repository, "digits", "a");
    await fleet.device.update(fetchFrom(fleet.repository));
    const root = signNextRoot(fleet.initial.root, keys.root, { ...keys, release: newRelease }, fleet.now);
    await assertRefused(fleet, fetchFrom(fleet.repository, { "2.root.json": root }));
    await assert.rejects(fleet.repository.publishRoot(root), untrusted);
    const targets = renewTargets(fleet.repository.currentTargets(), keys.release, newRelease, fleet.now);
    await fleet.repository.publishRoot(root, targets);
    const result = await fleet.device.update(fetchFrom(fleet.repository));
    assert.equal(result.releases.length, 1);
  });

  test("[RL6] {timestamp,snapshot,targets}_fast_forward_recovery: replaced keys take their version numbers along", async () => {
    const fleet = await startFleet();
    await publish(fleet.repository, "digits", "a");
    const run = forge(
      fleet.repository.currentTargets(),
      (signed) => {
        const [target] = Object.values(signed.targets as Record<string, { custom: object }>);
        const version = 9_000_000;
        const custom = { ...target?.custom, version };
        const path = `releases/digits/${version}/model.onnx`;
        return { ...signed, version: 9_000_000, targets: { [path]: { ...target, custom } } };
      },
      keys.release,
    );
    await fleet.device.update(fetchOnly(withOnlineKey(fleet, run, 9_000_000, 9_000_000)));
    assert.equal(fleet.device.newestRelease("digits")?.version, 9_000_000);
    await assertRefused(fleet, fetchFrom(fleet.repository));

    const replaced = { root: keys.root, release: newRelease, online: newOnline };
    const root = signNextRoot(fleet.initial.root, keys.root, replaced, fleet.now);
    const targets = renewTargets(fleet.repository.currentTargets(), keys.release, newRelease, fleet.now);
    const store = openMemoryStore(fleet.repositoryRecords);
    const recovered = await ReleaseRepository.open({ store, onlineKey: newOnline, now: fleet.clock });
    await recovered.publishRoot(root, targets);
    await fleet.device.update(fetchFrom(recovered));
    assert.equal(fleet.device.newestRelease("digits")?.version, 1);
  });
});

describe("one key counts once, and only Ed25519 keys count", () => {
  test("[RL7] duplicate_sig_keyids: two signatures under one key id", async () => {
    const fleet = await startFleet();
    const document = JSON.parse(new TextDecoder().decode(fleet.initial.timestamp));
    document.signatures.push(document.signatures[0]);
    const timestamp = new TextEncoder().encode(JSON.stringify(document));
    await assertRefused(fleet, fetchFrom(fleet.repository, { "timestamp.json": timestamp }), {
      code: "untrusted",
      message: /multiple signatures/,
    });
  });

  function rootWith(
    fleet: Fleet,
    change: (signed: { keys: Record<string, object>; roles: Record<string, object> }) => object,
  ) {
    return forge(
      fleet.initial.root,
      (signed) => ({ ...signed, version: 2, ...change(signed as never) }),
      keys.root,
    );
  }

  test("[RL7] duplicate_keys: one key under two ids, to meet a threshold of two", async () => {
    const fleet = await startFleet();
    const alias = "f".repeat(64);
    const root = rootWith(fleet, ({ keys: listed, roles }) => ({
      keys: { ...listed, [alias]: listed[keys.release.id] },
      roles: { ...roles, targets: { keyids: [keys.release.id, alias], threshold: 2 } },
    }));
    await assertRefused(fleet, fetchFrom(fleet.repository, { "2.root.json": root }), {
      code: "untrusted",
      message: /not the key's own hash/,
    });
  });

  test("[RL7] too_few_keys: a threshold of two is not met by one", async () => {
    const fleet = await startFleet();
    const root = rootWith(fleet, ({ roles }) => ({
      roles: { ...roles, timestamp: { keyids: [keys.online.id], threshold: 2 } },
    }));
    await assertRefused(fleet, fetchFrom(fleet.repository, { "2.root.json": root }), {
      code: "untrusted",
      message: /1\/2 keys/,
    });
  });

  test("[RL7] keytype_and_scheme: another key type, another scheme, a malformed key", async () => {
    const fleet = await startFleet();
    const { publicKey } = keys.online;
    const wrong = [
      { keytype: "rsa", scheme: "ed25519", keyval: { public: publicKey } },
      { keytype: "ed25519", scheme: "rsassa-pss-sha256", keyval: { public: publicKey } },
      { keytype: "ed25519", scheme: "ed25519", keyval: { public: publicKey.toUpperCase() } },
      { keytype: "ed25519", scheme: "ed25519", keyval: {} },
    ];
    for (const key of wrong) {
      const root = rootWith(fleet, ({ keys: listed }) => ({ keys: { ...listed, [keys.online.id]: key } }));
      await assertRefused(fleet, fetchFrom(fleet.repository, { "2.root.json": root }), {
        code: "untrusted",
        message: /is not Ed25519/,
      });
    }
  });
});

describe("more bytes than a file may have are refused", () => {
  const cases = {
    "2.root.json": limits.rootMetadataBytesMax,
    "timestamp.json": limits.timestampMetadataBytesMax,
  };
  for (const [name, expectedMax] of Object.entries(cases)) {
    test(`[RL8] endless data as ${name}`, async () => {
      const fleet = await startFleet();
      const asked: number[] = [];
      const honest = fetchFrom(fleet.repository);
      const endless = async (file: string, bytesMax: number) => {
        if (file !== name) return honest(file, bytesMax);
        asked.push(bytesMax);
        return new Uint8Array(bytesMax + 1);
      };
      await assertRefused(fleet, endless, { code: "too_large", at: name });
      assert.deepEqual(asked, [expectedMax]);
    });
  }

  test("[RL8] snapshot and list are asked for with the length that was signed", async () => {
    const fleet = await startFleet();
    const asked = new Map<string, number>();
    const honest = fetchFrom(fleet.repository);
    await fleet.device.update(async (name, bytesMax) => {
      asked.set(name, bytesMax);
      return honest(name, bytesMax);
    });
    assert.equal(asked.get("1.snapshot.json"), fleet.initial.snapshot.length);
    assert.equal(asked.get("1.targets.json"), fleet.initial.targets.length);
  });

  test("[RL8] a signed length above the limit is refused before fetching", async () => {
    const fleet = await startFleet();
    const timestamp = forge(
      fleet.initial.timestamp,
      (signed) => {
        const listed = (signed.meta as Record<string, object>)["snapshot.json"];
        return { ...signed, meta: { "snapshot.json": { ...listed, length: limits.metadataBytesMax + 1 } } };
      },
      keys.online,
    );
    await assertRefused(fleet, fetchOnly({ "timestamp.json": timestamp }), {
      code: "too_large",
      at: "1.snapshot.json",
    });
  });
});
