import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { TestFleet } from "../test-fleet.fixture.ts";

suite("a device whose folder was copied", () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start(2);
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  test("[EN33] [EN34] both are put out, and the one that is approved takes part again", async () => {
    const [device] = fleet.devices;
    assert.ok(device);
    await device.kill();
    const copy = fleet.copyOf(device);
    device.start();
    await fleet.online(2);
    copy.start();
    await fleet.standing(device, "quarantined");
    const { standingReason, forks, online } = await fleet.operator.device(device.id);
    assert.match(standingReason, /its identity is in use twice: it shows session mark \d+/);
    assert.deepEqual([forks, online], [1, false]);
    for (const one of [device, copy]) await one.says(/quarantined/);

    await copy.kill();
    await fleet.operator.approve(device.id);
    await device.kill();
    device.start();
    await fleet.online(2);
    assert.equal((await fleet.operator.device(device.id)).standing, "active");
  });
});
