import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryStore } from "@selvedge/storage";
import { type DeviceRecord, openDeviceRegistry } from "./device-registry.ts";

const device: DeviceRecord = {
  id: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
  name: "kitchen",
  keyDigest: "ab".repeat(32),
  enrolledAtMs: 1,
  certificateSerial: "01",
  certificateExpiresAtMs: 2,
  revokedAtMs: null,
  lastSeenAtMs: null,
  softwareVersion: "",
  architecture: "",
  datasets: [],
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

test("[EN12] a revocation holds at once, after a restart, and keeps its first time", async () => {
  const store = openMemoryStore();
  const registry = await openDeviceRegistry(store);
  await store.commit({ writes: registry.addition(device) });
  assert.equal(registry.isRevoked(device.id), false);
  await registry.revoke(device.id, 10);
  assert.ok(registry.isRevoked(device.id));
  assert.equal((await registry.revoke(device.id, 20)).revokedAtMs, 10);
  assert.ok((await openDeviceRegistry(store)).isRevoked(device.id));
  await assert.rejects(registry.revoke("nobody", 1), { code: "not_found" });
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
