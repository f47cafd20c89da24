import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { TestFleet } from "../test-fleet.fixture.ts";

/** Of one renewal: the new key and chain, those that are kept, and two renames. */
const durableSteps = 6;

suite("a device that is killed while it renews its certificate", () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start(1);
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  test("[EN18] before and after each durable step: it has a certificate that works, and finishes the renewal", async () => {
    const [device] = fleet.devices;
    assert.ok(device);
    await device.kill();
    const renew = (...args: readonly string[]) =>
      spawnSync(
        process.execPath,
        ["--disable-warning=ExperimentalWarning", renewingPath, device.folder, ...args],
        {
          encoding: "utf8",
        },
      );
    const certificate = () => readFileSync(join(device.folder, "device.crt"), "utf8");
    for (let step = 1; step <= durableSteps; step++) {
      for (const when of ["before", "after"]) {
        const at = `${when} step ${step}`;
        const old = certificate();
        assert.equal(renew(String(step), when).signal, "SIGKILL", at);
        const { status, stderr } = renew();
        assert.equal(status, 0, `${at}: ${stderr}`);
        assert.notEqual(certificate(), old, at);
      }
    }
    assert.equal(renew(String(durableSteps + 1), "before").status, 0, "there is no further step");
    device.start();
    await fleet.online(1);
    assert.equal((await fleet.operator.device(device.id)).standing, "active");
  });
});

const renewingPath: string = join(import.meta.dirname, "renewing-device.fixture.ts");
