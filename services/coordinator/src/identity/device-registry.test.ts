import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { openMemoryStore } from "@selvedge/storage";
import { type DeviceRecord, newDevice, type Standing } from "./device-record.ts";
import { openDeviceRegistry } from "./device-registry.ts";

const active: Standing = { state: "active", reason: "", sinceMs: 1 };
const device: DeviceRecord = {
  ...newDevice,
  id: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
  name: "kitchen",
  keyDigest: "ab".repeat(32),
  enrolledAtMs: 1,
  certificateSerial: "01",
  certificateExpiresAtMs: 2,
  group: "",
  tags: [],
  tokenId: "0123456789abcdef",
  standing: active,
};

test("a device is found by id and by key, and updated at once from two sides", async () => {
  const store = openMemoryStore();
  const registry = await openDeviceRegistry(store);
  await store.commit({ writes: registry.addition(device) });
  assert.deepEqual(await registry.findByKey(device.keyDigest), device);
  assert.equal(await registry.findByKey("cd".repeat(32)), undefined);
  await Promise.all([
    registry.update(device.id, { lastSeenAtMs: 5 }),
    registry.update(device.id, { softwareVersion: "0.1.0", datasets: ["digits"] }),
  ]);
  const expected = { ...device, lastSeenAtMs: 5, softwareVersion: "0.1.0", datasets: ["digits"] };
  assert.deepEqual(await registry.read(device.id), expected);
  await assert.rejects(registry.update("nobody", {}), { code: "not_found" });
});

test("[EN12] a standing holds at once, and after a restart", async () => {
  const store = openMemoryStore();
  const registry = await openDeviceRegistry(store);
  assert.equal(registry.standingOf(device.id), "unknown");
  await store.commit({ writes: registry.addition(device) });
  registry.added(device);
  assert.equal(registry.standingOf(device.id), "active");
  assert.equal(registry.barredWhy(device.id), undefined);
  const standing: Standing = { state: "revoked", reason: "stolen", sinceMs: 10 };
  await registry.replace(device.id, (before) => ({ ...before, standing }));
  for (const opened of [registry, await openDeviceRegistry(store)]) {
    assert.equal(opened.standingOf(device.id), "revoked");
    assert.equal(opened.barredWhy(device.id), "it was revoked: stolen");
    assert.deepEqual(opened.standings(), ["revoked"]);
  }
  await registry.replace(device.id, (before) => ({ ...before, standing: active }));
  assert.equal(registry.standingOf(device.id), "active");
  await assert.rejects(
    registry.replace("nobody", (before) => before),
    { code: "not_found" },
  );
});

test("[EN12] what a slow writer brings never takes a revocation back", async () => {
  const store = openMemoryStore();
  const registry = await openDeviceRegistry(store);
  await store.commit({ writes: registry.addition(device) });
  const standing: Standing = { state: "revoked", reason: "", sinceMs: 10 };
  const seen = (lastSeenAtMs: number) => registry.update(device.id, { lastSeenAtMs });
  const revoked = registry.replace(device.id, (before) => ({ ...before, standing }));
  await Promise.all([seen(1), seen(2), revoked, seen(3), seen(4)]);
  assert.equal(registry.standingOf(device.id), "revoked");
  assert.equal((await registry.read(device.id))?.standing.state, "revoked");
  assert.equal((await registry.read(device.id))?.lastSeenAtMs, 4);
});

test("[EN12] a revocation that is durable though the store said no holds once somebody asks again", async () => {
  const store = openMemoryStore();
  let isAnswered = true;
  const commit: typeof store.commit = async (transaction) => {
    await store.commit(transaction);
    if (!isAnswered) throw new SelvedgeError("unavailable", "the database did not answer");
  };
  const { read, list, close } = store;
  const bound = { read: read.bind(store), list: list.bind(store), close: close.bind(store), commit };
  const registry = await openDeviceRegistry(bound);
  await store.commit({ writes: registry.addition(device) });
  const standing: Standing = { state: "revoked", reason: "", sinceMs: 10 };
  const revoke = () =>
    registry.replace(device.id, (before) =>
      before.standing.state === "revoked" ? before : { ...before, standing },
    );
  isAnswered = false;
  await assert.rejects(revoke(), { code: "unavailable" });
  await revoke();
  assert.equal(registry.standingOf(device.id), "revoked");
});

test("[EN17] of two devices that come with one new key at once, one gets it", async () => {
  const store = openMemoryStore();
  const registry = await openDeviceRegistry(store);
  const other = { ...device, id: "other", keyDigest: "cd".repeat(32) };
  await store.commit({ writes: [...registry.addition(device), ...registry.addition(other)] });
  const keyDigest = "ef".repeat(32);
  const renew = ({ id, keyDigest: askedBy, certificateSerial, certificateExpiresAtMs }: DeviceRecord) => {
    const certificate = { certificateSerial, certificateExpiresAtMs, certificateIssuer: "" };
    return registry.renew(id, { keyDigest, askedBy, atMs: 1, ...certificate });
  };
  const outcomes = await Promise.allSettled([renew(device), renew(other)]);
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  const owner = await registry.findByKey(keyDigest);
  assert.equal(owner?.keyDigest, keyDigest);
});

test("a record of before devices had groups is read as one without", async () => {
  const store = openMemoryStore();
  const { group, tags, tokenId, standing, marks, ...early } = device;
  const write = async (id: string, revokedAtMs: number | null) =>
    store.commit({ writes: [{ key: `device/${id}`, value: { ...early, id, revokedAtMs } }] });
  await write("a", null);
  await write("b", 7);
  const registry = await openDeviceRegistry(store);
  const unknown = { ...device, tokenId: "" };
  assert.deepEqual(await registry.list(), [
    { ...unknown, id: "a" },
    { ...unknown, id: "b", standing: { state: "revoked", reason: "", sinceMs: 7 } },
  ]);
  assert.equal(registry.standingOf("b"), "revoked");
});

test("the list goes on past one page of the store", async () => {
  const store = openMemoryStore();
  const registry = await openDeviceRegistry(store);
  const ids = Array.from({ length: 1001 }, (_, index) => `device-${String(index).padStart(4, "0")}`);
  for (const id of ids) await store.commit({ writes: registry.addition({ ...device, id, keyDigest: id }) });
  const listed = await registry.list();
  assert.deepEqual(
    listed.map((one) => one.id),
    ids,
  );
});
