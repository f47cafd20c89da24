import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { DeviceSchema } from "@selvedge/protocol";
import { findDevice } from "./find-device.ts";

const device = (id: string, name: string) => create(DeviceSchema, { id, name });
const devices = [device("aaaa-1", "kitchen"), device("aaaa-2", "hall"), device("bbbb-3", "hall")];

test("a device is found by its id, by the beginning of it, and by a name that is its alone", () => {
  assert.equal(findDevice(devices, "aaaa-2").id, "aaaa-2");
  assert.equal(findDevice(devices, "bbbb").id, "bbbb-3");
  assert.equal(findDevice(devices, "kitchen").id, "aaaa-1");
  assert.equal(findDevice([...devices, device("cccc-4", "aaaa-1")], "aaaa-1").name, "kitchen");
});

test("what fits several devices, or none, is refused", () => {
  assert.throws(() => findDevice(devices, "hall"), { code: "invalid_argument", fix: /aaaa-2, bbbb-3/ });
  assert.throws(() => findDevice(devices, "aaaa"), { code: "invalid_argument" });
  for (const unknown of ["attic", "bbb", ""]) {
    assert.throws(() => findDevice(devices, unknown), { code: "not_found" });
  }
});
