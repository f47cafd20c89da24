import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { openMemoryStore } from "@selvedge/storage";
import { AuditLog } from "../audit/audit-log.ts";
import { DeviceAdmission, type SessionStart } from "./device-admission.ts";
import { type DeviceRecord, newDevice, type StandingState } from "./device-record.ts";
import { openDeviceRegistry } from "./device-registry.ts";
import { listForks } from "./security-events.ts";
import { openSessionRatchet } from "./session-ratchet.ts";

const id = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

async function setUp(state: StandingState = "active") {
  const store = openMemoryStore();
  const devices = await openDeviceRegistry(store);
  const device: DeviceRecord = {
    ...newDevice,
    id,
    name: "kitchen",
    group: "",
    tags: [],
    tokenId: "",
    keyDigest: "ab".repeat(32),
    enrolledAtMs: 1,
    certificateSerial: "01",
    certificateExpiresAtMs: 2,
    standing: { state, reason: "", sinceMs: 1 },
  };
  await store.commit({ writes: devices.addition(device) });
  devices.added(device);
  const trace: string[] = [];
  const audit = await AuditLog.open(store, () => 1_000);
  const admission = new DeviceAdmission({
    store,
    devices,
    audit,
    ratchet: await openSessionRatchet(store, randomBytes),
    now: () => 1_000,
    log: { warn: (_fields, message) => void trace.push(message) },
    async cutOff(one, reason) {
      // Whoever is cut off must not get in again meanwhile.
      trace.push(`cut off ${one === id} while ${devices.standingOf(one)}: ${reason}`);
    },
    letIn: () => void trace.push("let in"),
  });
  const begin = (changes: Partial<SessionStart> = {}) =>
    admission.admit(id, {
      mark: new Uint8Array(),
      epoch: "one",
      replacedEpoch: undefined,
      seen: { lastSeenAtMs: 9, architecture: "x64" },
      ...changes,
    });
  return { store, devices, admission, audit, trace, begin };
}

test("[EN33] a device is let in with a fresh mark, and what it says of itself is kept", async () => {
  const { devices, begin } = await setUp();
  const first = await begin();
  assert.ok(first.kind === "welcome" && first.mark.length === 32);
  const second = await begin({ mark: first.mark });
  assert.ok(second.kind === "welcome");
  assert.equal((await devices.read(id))?.architecture, "x64");
});

test("[EN33] a stale mark quarantines the device, cuts it off, and is a security event", async () => {
  const { store, devices, audit, trace, begin } = await setUp();
  const first = await begin();
  assert.ok(first.kind === "welcome");
  const second = await begin({ mark: first.mark });
  assert.ok(second.kind === "welcome");
  await begin({ mark: second.mark });
  const stale = await begin({ mark: first.mark });
  assert.deepEqual(stale, { kind: "refuse", reason: "this device was quarantined" });
  const { standing } = (await devices.read(id)) ?? assert.fail("it is gone");
  assert.match(standing.reason, /in use twice: it shows session mark 1/);
  assert.equal(devices.standingOf(id), "quarantined");
  assert.match(trace.at(-1) ?? "", /^cut off true while quarantined: it was quarantined: its identity/);
  assert.deepEqual(await begin({ mark: second.mark }), stale);
  const [record] = await audit.read(0, 9);
  assert.match(record?.line ?? "", new RegExp(`"action":"quarantine-device","subject":"${id}"`));
  const fork = (await listForks(store)).get(id);
  assert.deepEqual([fork?.count, fork?.lastAtMs], [1, 1_000]);
});

test("[EN33] two databases at the same time quarantine the device, whatever they show", async () => {
  const { devices, begin } = await setUp();
  await begin();
  assert.equal((await begin({ replacedEpoch: "one" })).kind, "welcome");
  assert.equal((await begin({ replacedEpoch: "two" })).kind, "refuse");
  assert.equal(devices.standingOf(id), "quarantined");
});

test("[EN31] a pending device waits until it is approved", async () => {
  const { devices, admission, trace, begin } = await setUp("pending");
  assert.equal((await begin()).kind, "wait");
  assert.equal((await devices.read(id))?.architecture, "x64");
  await admission.approve(id);
  await admission.approve(id);
  assert.deepEqual(trace, ["let in", "let in"]);
  assert.equal((await begin()).kind, "welcome");
});

test("[EN34] an approval ends a quarantine, and lets the device start over", async () => {
  const { devices, admission, begin } = await setUp("quarantined");
  assert.equal((await begin()).kind, "refuse");
  const { marks, standing } = await admission.approve(id);
  assert.deepEqual(standing, { state: "active", reason: "", sinceMs: 1_000 });
  assert.deepEqual([marks.confirmed, marks.offered], [null, null]);
  assert.equal((await begin()).kind, "welcome");
  assert.equal(devices.standingOf(id), "active");
});

test("[EN32] a revocation cuts off, is for good, and finishes what a crash left undone", async () => {
  const { devices, admission, trace, begin } = await setUp();
  const { standing } = await admission.revoke(id, "stolen");
  assert.deepEqual(standing, { state: "revoked", reason: "stolen", sinceMs: 1_000 });
  assert.deepEqual(trace, ["cut off true while revoked: it was revoked: stolen"]);
  assert.equal((await admission.revoke(id, "another reason")).standing.reason, "stolen");
  assert.equal(trace.length, 2, "it is cut off again");
  assert.equal((await begin()).kind, "refuse");
  await assert.rejects(admission.approve(id), { code: "failed_precondition", fix: /join again/ });
  assert.equal(devices.standingOf(id), "revoked");
  await assert.rejects(admission.revoke("nobody", ""), { code: "not_found" });
  await assert.rejects(admission.revoke(id, "x".repeat(501)), { code: "invalid_argument", at: "reason" });
});

test("[EN32] a quarantine does not soften a revocation", async () => {
  const { devices, begin } = await setUp("revoked");
  await begin({ replacedEpoch: "two" });
  assert.equal(devices.standingOf(id), "revoked");
});

test("a device that is not known is refused", async () => {
  const { admission } = await setUp();
  const start = { mark: new Uint8Array(), epoch: "", replacedEpoch: undefined, seen: {} };
  const { kind } = await admission.admit("7d9e0a52-0000-4000-8000-000000000001", start);
  assert.equal(kind, "refuse");
});

test("[EN30] an operator renames a device, and puts it in a group", async () => {
  const { devices, admission } = await setUp();
  await admission.rename(id, "hall");
  await admission.regroup(id, "north", ["b", "a", "b"]);
  await admission.regroup(id, "south", undefined);
  const { name, group, tags } = (await devices.read(id)) ?? {};
  assert.deepEqual([name, group, tags], ["hall", "south", ["a", "b"]]);
  await assert.rejects(admission.rename(id, "two words"), { code: "invalid_argument", at: "name" });
  await assert.rejects(admission.regroup(id, "a b", []), { code: "invalid_argument", at: "group" });
  await assert.rejects(admission.regroup(id, "", ["/"]), { code: "invalid_argument", at: "tag" });
  const many = Array.from({ length: 33 }, (_, index) => `t${index}`);
  await assert.rejects(admission.regroup(id, "", many), { code: "invalid_argument", at: "tags" });
});
