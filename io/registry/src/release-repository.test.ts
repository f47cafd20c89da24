import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "@selvedge/protocol";
import { openMemoryStore } from "@selvedge/storage";
import { createReleaseRepository } from "./create-release-repository.ts";
import {
  day,
  type Fleet,
  fetchFrom,
  forge,
  keys,
  model,
  publish,
  startFleet,
} from "./release-repository.fixture.ts";
import { ReleaseRepository } from "./release-repository.ts";
import { addRelease, renewTargets } from "./sign-release.ts";
import { signNextRoot } from "./sign-root.ts";

const digits = {
  name: "digits",
  job: "job-1",
  blob: { digest: model("a").digest, length: model("a").length },
};

function reopen(fleet: Fleet) {
  const store = openMemoryStore(fleet.repositoryRecords);
  return ReleaseRepository.open({ store, onlineKey: keys.online, now: fleet.clock });
}

test("[RL12] a signed list that adds a release is published, announced and kept", async () => {
  const fleet = await startFleet();
  const { targets, release } = addRelease(fleet.repository.currentTargets(), digits, keys.release, fleet.now);
  assert.equal(await fleet.repository.publish(targets), 2);
  assert.deepEqual(fleet.repository.releases(), [release]);
  const restarted = await reopen(fleet);
  assert.deepEqual(restarted.releases(), [release]);
  assert.equal(restarted.timestampVersion(), 2);
  assert.deepEqual(restarted.currentTargets(), targets);
});

test("[RL12] publishing the current list again changes nothing", async () => {
  const fleet = await startFleet();
  const { targets } = addRelease(fleet.repository.currentTargets(), digits, keys.release, fleet.now);
  assert.deepEqual(
    await Promise.all([fleet.repository.publish(targets), fleet.repository.publish(targets)]),
    [2, 2],
  );
});

test("[RL12] versions of a name follow each other, each name on its own", async () => {
  const fleet = await startFleet();
  for (const name of ["digits", "letters", "digits"]) await publish(fleet.repository, name, name);
  assert.deepEqual(
    fleet.repository.releases().map(({ name, version }) => `${name}@${version}`),
    ["digits@1", "digits@2", "letters@1"],
  );
});

describe("a list is refused that", () => {
  type Signed = Record<string, unknown>;
  type Listed = Record<string, { custom: { version: number }; length: number }>;
  const withTargets = (change: (targets: Listed) => object) => (signed: Signed) => ({
    ...signed,
    targets: change(signed.targets as Listed),
  });
  const first = "releases/digits/1/model.onnx";
  const second = "releases/digits/2/model.onnx";
  const cases: Record<string, [change: (signed: Signed) => Signed, code: string]> = {
    "repeats the version": [(signed) => ({ ...signed, version: 2 }), "conflict"],
    "skips a version": [(signed) => ({ ...signed, version: 4 }), "conflict"],
    "has expired": [(signed) => ({ ...signed, expires: "2026-02-01T00:00:00Z" }), "untrusted"],
    "takes back a release": [withTargets(({ [first]: _gone, ...rest }) => rest), "invalid_argument"],
    "changes a release": [
      withTargets((targets) => ({ ...targets, [first]: { ...targets[first], length: 1 } })),
      "invalid_argument",
    ],
    "skips a release version": [
      withTargets(({ [second]: added, ...rest }) => ({
        ...rest,
        "releases/digits/3/model.onnx": { ...added, custom: { ...added?.custom, version: 3 } },
      })),
      "invalid_argument",
    ],
    "names a path that its contents deny": [
      withTargets(({ [second]: added, ...rest }) => ({ ...rest, "releases/other/2/model.onnx": added })),
      "untrusted",
    ],
    "climbs out of its folder": [
      withTargets(({ [second]: added, ...rest }) => ({ ...rest, "releases/../2/model.onnx": added })),
      "untrusted",
    ],
    "lists something else": [
      withTargets((targets) => ({ ...targets, "rounds/job-1/1": targets[first] })),
      "invalid_argument",
    ],
    "lists an empty model": [
      withTargets((targets) => ({ ...targets, [second]: { ...targets[second], length: 0 } })),
      "untrusted",
    ],
    "delegates nothing": [({ delegations: _none, ...rest }) => rest, "invalid_argument"],
    "delegates releases": [
      (signed) => {
        const { keys: listed, roles } = signed.delegations as { keys: object; roles: object[] };
        return {
          ...signed,
          delegations: { keys: listed, roles: [{ ...roles[0], paths: ["releases/*/*/*"] }] },
        };
      },
      "invalid_argument",
    ],
    "lets the release key sign rounds": [
      (signed) => {
        const { roles } = signed.delegations as { roles: object[] };
        const key = { keytype: "ed25519", scheme: "ed25519", keyval: { public: keys.release.publicKey } };
        const delegations = {
          keys: { [keys.release.id]: key },
          roles: [{ ...roles[0], keyids: [keys.release.id] }],
        };
        return { ...signed, delegations };
      },
      "invalid_argument",
    ],
  };
  for (const [name, [change, code]] of Object.entries(cases)) {
    test(`[RL12] ${name}`, async () => {
      const fleet = await startFleet();
      await publish(fleet.repository, "digits", "a");
      const before = [...fleet.repositoryRecords];
      const { targets } = addRelease(fleet.repository.currentTargets(), digits, keys.release, fleet.now);
      await assert.rejects(fleet.repository.publish(forge(targets, change, keys.release)), { code });
      assert.deepEqual([...fleet.repositoryRecords], before);
      assert.equal(await fleet.repository.publish(targets), 3);
    });
  }

  test("[RL12] is too large", async () => {
    const { repository } = await startFleet();
    await assert.rejects(repository.publish(new Uint8Array(limits.releaseListBytesMax + 1)), {
      code: "too_large",
    });
  });
});

test("[RL12] the releaser adds only to a list of their own signature", async () => {
  const { initial, now } = await startFleet();
  const forged = forge(initial.targets, (signed) => ({ ...signed, version: 5 }), keys.stranger);
  assert.throws(() => addRelease(forged, digits, keys.release, now), { code: "untrusted" });
  assert.throws(() => renewTargets(initial.targets, keys.stranger, keys.release, now), { code: "untrusted" });
  for (const name of ["", "../x", "A", "a".repeat(65)]) {
    assert.throws(() => addRelease(initial.targets, { ...digits, name }, keys.release, now), {
      code: "invalid_argument",
    });
  }
});

test("[RL14] timestamp and snapshot are signed anew before they expire, not at every call", async () => {
  const fleet = await startFleet();
  assert.equal(await fleet.repository.refresh(), 1);
  fleet.now += 4 * day;
  assert.equal(await fleet.repository.refresh(), 2);
  assert.equal(await fleet.repository.refresh(), 2);
  fleet.now += 30 * day;
  assert.equal(await (await reopen(fleet)).refresh(), 3);
});

test("[RL14] every root and the last eight lists and snapshots are served, and no other name", async () => {
  const fleet = await startFleet();
  const root = signNextRoot(fleet.initial.root, keys.root, keys, fleet.now);
  await fleet.repository.publishRoot(root);
  for (let count = 0; count < 10; count++) await publish(fleet.repository, "digits", `${count}`);
  const served = async (name: string) => (await fleet.repository.metadata(name)) !== undefined;
  for (const name of [
    "1.root.json",
    "2.root.json",
    "root.json",
    "timestamp.json",
    "11.targets.json",
    "4.targets.json",
    "5.snapshot.json",
  ]) {
    assert.equal(await served(name), true, name);
  }
  for (const name of [
    "3.root.json",
    "3.targets.json",
    "4.snapshot.json",
    "12.targets.json",
    "",
    "targets.json",
    "../1.root.json",
    "01.root.json",
  ]) {
    assert.equal(await served(name), false, name);
  }
  assert.deepEqual(await fleet.repository.metadata("root.json"), root);
  await fleet.device.update(fetchFrom(fleet.repository));
  assert.equal(fleet.device.newestRelease("digits")?.version, 10);
});

test("[RL6] a root that has expired or is too large is not published", async () => {
  const { initial, repository, now } = await startFleet();
  const root = signNextRoot(initial.root, keys.root, keys, now);
  const expired = forge(root, (signed) => ({ ...signed, expires: "2026-02-01T00:00:00Z" }), keys.root);
  await assert.rejects(repository.publishRoot(expired), { code: "untrusted" });
  const large = forge(
    root,
    (signed) => ({ ...signed, padding: "x".repeat(limits.rootMetadataBytesMax) }),
    keys.root,
  );
  await assert.rejects(repository.publishRoot(large), { code: "too_large" });
  assert.throws(() => signNextRoot(initial.root, keys.stranger, keys, now), { code: "permission_denied" });
});

test("a repository is created once, and opened only where there is one", async () => {
  const fleet = await startFleet();
  const store = openMemoryStore(fleet.repositoryRecords);
  const options = { store, onlineKey: keys.online, now: fleet.clock };
  await assert.rejects(ReleaseRepository.create({ ...options, initial: fleet.initial }), {
    code: "conflict",
  });
  await assert.rejects(ReleaseRepository.open({ ...options, store: openMemoryStore() }), {
    code: "not_found",
  });
});

test("with another online key than the root names, nothing is published", async () => {
  const fleet = await startFleet();
  const store = openMemoryStore(fleet.repositoryRecords);
  const repository = await ReleaseRepository.open({ store, onlineKey: keys.stranger, now: fleet.clock });
  await assert.rejects(publish(repository, "digits", "a"), { code: "failed_precondition" });
  assert.equal(fleet.repositoryRecords.get("release-metadata/timestamp.json")?.version, 1);
});

test("one key for two roles is refused", () => {
  assert.throws(() => createReleaseRepository({ keys: { ...keys, round: keys.release }, now: 0 }), {
    code: "invalid_argument",
  });
});
