import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { TestFleet } from "../test-fleet.fixture.ts";

suite("a device that has to be approved", () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start(0);
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  test("[EN31] its agent says that it waits, and goes on by itself", async () => {
    const token = await fleet.operator.createToken(1, true);
    const device = await fleet.join(token);
    device.start();
    await device.says(/waits for an operator: selvedge device approve/);
    const { standing, online } = await fleet.operator.device(device.id);
    assert.deepEqual([standing, online], ["pending", false]);
    await fleet.operator.approve(device.id);
    await fleet.online(1);
  });
});
