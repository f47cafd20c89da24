import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openMemoryStore, type Store } from "@selvedge/storage";
import {
  assertRefused,
  day,
  fetchFrom,
  fetchOnly,
  forge,
  keys,
  listingSnapshot,
  model,
  publish,
  signOnline,
  startFleet,
  withOnlineKey,
} from "./release-repository.fixture.ts";
import { addRelease, renewTargets } from "./sign-release.ts";
import { signNextRoot } from "./sign-root.ts";
import { TrustStore } from "./trust-store.ts";

const untrusted = { code: "untrusted" };

describe("what is older than what was seen is refused, also after a restart", () => {
  async function fleetAtTwo() {
    const fleet = await startFleet();
    await publish(fleet.repository, "digits", "a");
    const old = {
      timestamp: await fleet.repository.metadata("timestamp.json"),
      targets: fleet.repository.currentTargets(),
    };
    await publish(fleet.repository, "digits", "b");
    await fleet.device.update(fetchFrom(fleet.repository));
    fleet.device = await fleet.openDevice();
    assert.equal(fleet.device.newestRelease("digits")?.version, 2);
    return { fleet, old };
  }

  test("[RL3] new_timestamp_version_rollback", async () => {
    const { fleet, old } = await fleetAtTwo();
    await assertRefused(fleet, fetchFrom(fleet.repository, { "timestamp.json": old.timestamp }), {
      code: "untrusted",
      message: /rollback: version 2 is older than 3/,
    });
  });

  test("[RL3] two updates at once, the slower of which was shown the older list", async () => {
    const { fleet, old } = await fleetAtTwo();
    fleet.device = await fleet.openDevice(openMemoryStore());
    const { promise: newerIsDone, resolve } = Promise.withResolvers<void>();
    const oldList = fetchFrom(fleet.repository, { "timestamp.json": old.timestamp });
    const slow = fleet.device.update(async (name, bytesMax) => {
      // Were the updates side by side, the newer one would be done by now.
      await Promise.race([newerIsDone, new Promise((done) => setImmediate(done))]);
      return oldList(name, bytesMax);
    });
    const fast = fleet.device.update(fetchFrom(fleet.repository)).then(() => resolve());
    await Promise.all([slow, fast]);
    assert.equal(fleet.device.newestRelease("digits")?.version, 2);
  });

  test("[RL3] an older timestamp that lists the same snapshot", async () => {
    const { fleet } = await fleetAtTwo();
    const current = (await fleet.repository.metadata("timestamp.json")) ?? new Uint8Array();
    const older = forge(current, (signed) => ({ ...signed, version: 2 }), keys.online);
    await assertRefused(fleet, fetchFrom(fleet.repository, { "timestamp.json": older }), {
      code: "untrusted",
      message: /rollback: version 2 is older than 3/,
      at: "timestamp.json",
    });
  });

  test("[RL3] snapshot_rollback: a newer timestamp lists an older snapshot", async () => {
    const { fleet } = await fleetAtTwo();
    const targets = fleet.repository.currentTargets();
    await assertRefused(fleet, fetchOnly(withOnlineKey(fleet, targets, 2)), {
      code: "untrusted",
      message: /rollback/,
      at: "snapshot in timestamp.json",
    });
  });

  test("[RL3] targets_rollback: a newer snapshot lists an older release list", async () => {
    const { fleet, old } = await fleetAtTwo();
    await assertRefused(fleet, fetchOnly(withOnlineKey(fleet, old.targets)), {
      code: "untrusted",
      message: /rollback: version 2 is older than 3/,
      at: "targets.json in 50.snapshot.json",
    });
  });

  test("[RL3] release counter: a newer list, signed with the release key, ends at an older release", async () => {
    const { fleet, old } = await fleetAtTwo();
    const shorter = forge(old.targets, (signed) => ({ ...signed, version: 9 }), keys.release);
    await assertRefused(fleet, fetchOnly(withOnlineKey(fleet, shorter)), {
      code: "untrusted",
      message: /rollback: version 1 is older than 2/,
      at: "release digits",
    });
  });

  test("[RL3] release counter: a name disappears", async () => {
    const { fleet, old } = await fleetAtTwo();
    const empty = forge(old.targets, (signed) => ({ ...signed, version: 9, targets: {} }), keys.release);
    await assertRefused(fleet, fetchOnly(withOnlineKey(fleet, empty)));
  });

  test("[RL3] a version that was seen gets other bytes", async () => {
    const { fleet, old } = await fleetAtTwo();
    const { targets } = addRelease(
      old.targets,
      { name: "digits", job: "job-1", blob: model("other") },
      keys.release,
      fleet.now,
    );
    const forged = forge(targets, (signed) => ({ ...signed, version: 9 }), keys.release);
    await assertRefused(fleet, fetchOnly(withOnlineKey(fleet, forged)), {
      code: "untrusted",
      message: /version 2 was .* and is now/,
    });
  });

  test("[RL3] the counter outlives stored metadata that was damaged", async () => {
    const { fleet, old } = await fleetAtTwo();
    const [[key, record]] = [...fleet.deviceRecords] as [[string, { version: number; json: string }]];
    const value = JSON.parse(record.json);
    fleet.deviceRecords.set(key, {
      version: record.version,
      json: JSON.stringify({ ...value, targets: value.targets.slice(0, -9) }),
    });
    fleet.device = await fleet.openDevice();
    assert.deepEqual(fleet.device.releases(), []);
    await assertRefused(fleet, fetchOnly(withOnlineKey(fleet, old.targets)));
    await fleet.device.update(fetchFrom(fleet.repository));
    assert.equal(fleet.device.newestRelease("digits")?.version, 2);
  });

  test("[RL3] an installed release newer than the list is not replaced", async () => {
    const { fleet } = await fleetAtTwo();
    assert.equal(fleet.device.releaseToInstall("digits", 3), undefined);
  });
});

test("[RL13] the bytes of an older release return as a release with a higher version", async () => {
  const fleet = await startFleet();
  await publish(fleet.repository, "digits", "good");
  await publish(fleet.repository, "digits", "bad");
  await fleet.device.update(fetchFrom(fleet.repository));
  await publish(fleet.repository, "digits", "good");
  await fleet.device.update(fetchFrom(fleet.repository));
  const release = fleet.device.releaseToInstall("digits", 2);
  assert.deepEqual([release?.version, release?.blob.digest], [3, model("good").digest]);
});

describe("expired metadata brings nothing new, and what is installed stays", () => {
  const expired = (signed: object) => ({ ...signed, expires: "2026-02-28T00:00:00Z" });

  test("[RL4] timestamp_expired: the device is stale, and fresh again once the coordinator signs anew", async () => {
    const fleet = await startFleet();
    const release = await publish(fleet.repository, "digits", "a");
    await fleet.device.update(fetchFrom(fleet.repository));
    assert.equal(fleet.device.isStale(), false);
    fleet.now += 8 * day;
    assert.equal(fleet.device.isStale(), true);
    assert.equal(fleet.device.releaseToInstall("digits", undefined), undefined);
    assert.deepEqual(fleet.device.newestRelease("digits"), release);
    await assertRefused(fleet, fetchFrom(fleet.repository), {
      code: "untrusted",
      message: /expired on/,
      at: "timestamp.json",
    });
    await fleet.repository.refresh();
    await fleet.device.update(fetchFrom(fleet.repository));
    assert.equal(fleet.device.isStale(), false);
    assert.deepEqual(fleet.device.releaseToInstall("digits", undefined), release);
  });

  test("[RL4] snapshot_expired", async () => {
    const fleet = await startFleet();
    const targets = fleet.repository.currentTargets();
    const online = signOnline(targets, { snapshot: 9, timestamp: 9 }, fleet.now - 8 * day);
    const fresh = forge(
      online.timestamp,
      (signed) => ({ ...signed, expires: "2026-03-08T00:00:00Z" }),
      keys.online,
    );
    const files = { "timestamp.json": fresh, "9.snapshot.json": online.snapshot, "1.targets.json": targets };
    await assertRefused(fleet, fetchOnly(files), { code: "untrusted", at: "9.snapshot.json" });
  });

  test("[RL4] targets_expired", async () => {
    const fleet = await startFleet();
    const targets = forge(fleet.repository.currentTargets(), expired, keys.release);
    await assertRefused(fleet, fetchOnly(withOnlineKey(fleet, targets)), {
      code: "untrusted",
      at: "1.targets.json",
    });
  });

  test("[RL4] root_expired: an expired root is refused unless a newer one follows", async () => {
    const fleet = await startFleet();
    const root2 = forge(fleet.initial.root, (signed) => expired({ ...signed, version: 2 }), keys.root);
    await assertRefused(fleet, fetchFrom(fleet.repository, { "2.root.json": root2 }), {
      code: "untrusted",
      at: "root.json",
    });
    const root3 = signNextRoot(root2, keys.root, keys, fleet.now);
    await fleet.device.update(fetchFrom(fleet.repository, { "2.root.json": root2, "3.root.json": root3 }));
    assert.equal(fleet.device.isStale(), false);
  });

  test("[RL4] expired_local_root: an expired enrolment root opens, and is renewed", async () => {
    const fleet = await startFleet();
    fleet.now += 6 * 365 * day;
    const root = signNextRoot(fleet.initial.root, keys.root, keys, fleet.now);
    await fleet.repository.publishRoot(
      root,
      renewTargets(fleet.initial.targets, keys.release, keys.release, fleet.now),
    );
    await fleet.device.update(fetchFrom(fleet.repository));
    assert.equal(fleet.device.isStale(), false);
  });

  test("[RL4] faketime: expiry is judged by the time at which the update began", async () => {
    const fleet = await startFleet();
    const honest = fetchFrom(fleet.repository);
    await fleet.device.update(async (name, bytesMax) => {
      fleet.now += 3 * day;
      return honest(name, bytesMax);
    });
    assert.equal(fleet.device.isStale(), true);
  });
});

describe("an update that fails or is interrupted changes nothing", () => {
  test("[RL9] garbage in place of any file", async () => {
    const fleet = await startFleet();
    const encode = (text: string) => new TextEncoder().encode(text);
    const garbage = [
      encode(""),
      encode("<html>captive portal</html>"),
      encode("null"),
      encode("[]"),
      encode('{"signed":{},"signatures":[]}'),
      encode("[".repeat(10_000)),
      new Uint8Array([0xff, 0xfe, 0x00]),
    ];
    for (const name of ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]) {
      for (const bytes of garbage) {
        await assertRefused(fleet, fetchFrom(fleet.repository, { [name]: bytes }), {
          code: /untrusted|too_large/,
        } as never);
      }
    }
  });

  test("[RL9] a torn answer in place of any file", async () => {
    const fleet = await startFleet();
    for (const [name, bytes] of Object.entries({
      "timestamp.json": fleet.initial.timestamp,
      "1.snapshot.json": fleet.initial.snapshot,
      "1.targets.json": fleet.initial.targets,
    })) {
      const torn = bytes.subarray(0, bytes.length / 2);
      await assertRefused(fleet, fetchFrom(fleet.repository, { [name]: torn }));
    }
  });

  test("[RL9] timestamp_404, snapshot_404, targets_404; without a next root the update goes on", async () => {
    const fleet = await startFleet();
    for (const name of ["timestamp.json", "1.snapshot.json", "1.targets.json"]) {
      await assertRefused(fleet, fetchFrom(fleet.repository, { [name]: undefined }), {
        code: "unavailable",
        at: name,
      });
    }
    await fleet.device.update(fetchFrom(fleet.repository, { "2.root.json": undefined }));
  });

  test("[RL9] a link that breaks at any file", async () => {
    const fleet = await startFleet();
    await publish(fleet.repository, "digits", "a");
    const honest = fetchFrom(fleet.repository);
    for (let calls = 0; calls < 4; calls++) {
      let left = calls;
      const breaking = async (name: string, bytesMax: number) => {
        if (left-- === 0) throw new Error("link broke");
        return honest(name, bytesMax);
      };
      await assertRefused(fleet, breaking, { message: /link broke/ });
    }
    assert.equal((await fleet.device.update(honest)).releases.length, 1);
  });

  for (const applied of [false, true]) {
    test(`[RL9] a commit that fails ${applied ? "after" : "before"} it happened does not stop later updates`, async () => {
      const fleet = await startFleet();
      const store = openMemoryStore(fleet.deviceRecords);
      let failing = true;
      const flaky: Store = {
        read: (key) => store.read(key),
        list: (prefix, options) => store.list(prefix, options),
        close: () => store.close(),
        commit: async (transaction) => {
          if (!failing || applied) await store.commit(transaction);
          if (failing) throw new Error("power lost");
        },
      };
      const device = await fleet.openDevice(flaky);
      await publish(fleet.repository, "digits", "a");
      await assert.rejects(device.update(fetchFrom(fleet.repository)), /power lost/);
      failing = false;
      await publish(fleet.repository, "digits", "b");
      await device.update(fetchFrom(fleet.repository));
      assert.equal(device.newestRelease("digits")?.version, 2);
      assert.equal((await fleet.openDevice()).newestRelease("digits")?.version, 2);
    });
  }

  test("[RL9] a stored record that is not ours opens as a device without releases", async () => {
    for (const json of ["null", "[]", '{"root":7,"seen":[1]}', '{"seen":{"digits":{"version":"2"}}}']) {
      const fleet = await startFleet();
      fleet.deviceRecords.set("release-trust", { version: 1, json });
      const device = await fleet.openDevice();
      assert.deepEqual(device.releases(), []);
      await publish(fleet.repository, "digits", "a");
      assert.equal((await device.update(fetchFrom(fleet.repository))).releases.length, 1);
    }
  });

  test("[RL9] stored documents that are wrongly signed or do not fit together are dropped", async () => {
    const fleet = await startFleet();
    await publish(fleet.repository, "digits", "a");
    await fleet.device.update(fetchFrom(fleet.repository));
    const [[key, stored]] = [...fleet.deviceRecords] as [[string, { version: number; json: string }]];
    const record = JSON.parse(stored.json);
    const encode = (text: string) => new TextEncoder().encode(text);
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const unsigned = (document: string) => forge(encode(document), (signed) => signed);
    const snapshot = unsigned(record.snapshot);
    const versions = { snapshot: 9, timestamp: 9 };
    const another = signOnline(encode(record.targets), versions, fleet.now);
    const list = unsigned(record.targets);
    const listing = signOnline(list, versions, fleet.now);
    const damaged = {
      "an unsigned timestamp": { timestamp: decode(unsigned(record.timestamp)) },
      "another snapshot": { snapshot: decode(another.snapshot) },
      "an unsigned snapshot": {
        snapshot: decode(snapshot),
        timestamp: decode(forge(encode(record.timestamp), listingSnapshot(snapshot), keys.online)),
      },
      "another list": { targets: decode(fleet.initial.targets) },
      "an unsigned list": {
        targets: decode(list),
        snapshot: decode(listing.snapshot),
        timestamp: decode(listing.timestamp),
      },
      "no list": { targets: null },
    };
    for (const [name, change] of Object.entries(damaged)) {
      fleet.deviceRecords.set(key, { ...stored, json: JSON.stringify({ ...record, ...change }) });
      assert.equal((await fleet.openDevice()).timestampVersion(), 0, name);
    }
    fleet.deviceRecords.set(key, stored);
    assert.equal((await fleet.openDevice()).timestampVersion(), 2);
  });

  test("[RL9] an enrolment root that did not sign itself is refused", async () => {
    const rootBytes = forge((await startFleet()).initial.root, (signed) => signed, keys.stranger);
    const store = openMemoryStore();
    await assert.rejects(TrustStore.open({ store, rootBytes, now: Date.now }), untrusted);
  });
});
