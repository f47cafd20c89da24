import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { TestFleet } from "../test-fleet.fixture.ts";

const hasFaketime = spawnSync("faketime", ["--version"]).status === 0;
const skip = hasFaketime ? false : "faketime(1) is not installed";

suite("devices and clocks that are wrong", { skip }, () => {
  test("[EN21] a device that starts in 1970 takes part; one in 2100 keeps its identity", async () => {
    await using fleet = await TestFleet.start(1);
    const [device] = fleet.devices;
    assert.ok(device);
    await device.kill();
    await fleet.offline(device);
    device.start("1970-01-01 00:01:00");
    await fleet.online(1);
    await device.kill();
    await fleet.offline(device);

    const before = readFileSync(join(device.folder, "device.crt"), "utf8");
    device.start("2100-01-01 00:00:00");
    await device.says(/2100-01-01.*the server's certificate was refused: certificate has expired/);
    await device.kill();
    assert.equal(readFileSync(join(device.folder, "device.crt"), "utf8"), before);
    device.start();
    await fleet.online(1);
  });

  test("[EN21] a device enrols in 1970", async () => {
    await using fleet = await TestFleet.start(0);
    const device = await fleet.join(await fleet.operator.createToken(1), "1970-01-01 00:01:00");
    device.start("1970-01-01 00:02:00");
    await fleet.online(1);
  });

  test("[EN19] a device that was away for longer than its certificate lasts comes back by itself", async () => {
    await using fleet = await TestFleet.start(1, { clock: "-20 days" });
    const [device] = fleet.devices;
    assert.ok(device);
    await fleet.killCoordinator();
    await device.kill();
    device.start();
    await fleet.startCoordinator();
    await fleet.online(1);
    assert.equal((await fleet.operator.device(device.id)).standing, "active");
  });

  test("[EN20] after the grace window it waits for an approval, and goes on by itself", async () => {
    await using fleet = await TestFleet.start(1, { clock: "-60 days" });
    const [device] = fleet.devices;
    assert.ok(device);
    await fleet.killCoordinator();
    await device.kill();
    device.start();
    await fleet.startCoordinator();
    await fleet.standing(device, "pending");
    await fleet.operator.approve(device.id);
    await fleet.online(1);
  });
});
