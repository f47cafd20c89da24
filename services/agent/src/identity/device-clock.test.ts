import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { DeviceClock } from "./device-clock.ts";
import { type DeviceFolder, openDeviceFolder } from "./device-folder.ts";

const hourMs = 3_600_000;
const serverTime = Date.UTC(2031, 4, 5);

async function newFolder(t: TestContext): Promise<DeviceFolder> {
  const path = await mkdtemp(join(tmpdir(), "selvedge-"));
  t.after(() => rm(path, { recursive: true }));
  return openDeviceFolder(path);
}

class Source {
  wallMs: number;
  monotonicMs = 5_000;

  constructor(wallMs: number) {
    this.wallMs = wallMs;
  }

  wall(): number {
    return this.wallMs;
  }

  monotonic(): number {
    return this.monotonicMs;
  }
}

test("[EN21] a device that starts in 1970 goes on from the last time it was told, also after a restart", async (t) => {
  const folder = await newFolder(t);
  const source = new Source(0);
  const clock = await DeviceClock.open(folder, source);
  assert.ok(clock.now() >= Date.UTC(2025, 0, 1), "never before this software was made");
  await clock.told(serverTime);
  source.monotonicMs += 90_000;
  assert.equal(clock.now(), serverTime + 90_000);
  const restarted = await DeviceClock.open(folder, new Source(3_000));
  assert.equal(restarted.now(), serverTime);
});

test("[EN21] the beginning of its certificate is a floor as well", async (t) => {
  const clock = await DeviceClock.open(await newFolder(t), new Source(0));
  clock.startOfCertificate(serverTime);
  assert.equal(clock.now(), serverTime);
  await clock.told(serverTime - hourMs);
  assert.equal(clock.now(), serverTime);
});

test("[EN21] a clock in 2100 is believed while it says so, and leaves no trace", async (t) => {
  const folder = await newFolder(t);
  const source = new Source(Date.UTC(2100, 0, 1));
  const clock = await DeviceClock.open(folder, source);
  assert.equal(clock.now(), Date.UTC(2100, 0, 1));
  await clock.told(serverTime);
  source.wallMs = serverTime + 1_000;
  assert.equal(clock.now(), serverTime + 1_000);
  assert.equal((await DeviceClock.open(folder, new Source(0))).now(), serverTime);
});

test("[EN21] a coordinator whose clock was ahead can take back what it told", async (t) => {
  const folder = await newFolder(t);
  const clock = await DeviceClock.open(folder, new Source(0));
  await clock.told(Date.UTC(2100, 0, 1));
  await clock.told(serverTime);
  assert.equal(clock.floor(), serverTime);
  assert.equal((await DeviceClock.open(folder, new Source(0))).floor(), serverTime);
});

test("a device's flash is spared: within an hour nothing is written", async (t) => {
  const inner = await newFolder(t);
  let writes = 0;
  const folder: DeviceFolder = {
    ...inner,
    async write(name, content) {
      writes += 1;
      await inner.write(name, content);
    },
  };
  const clock = await DeviceClock.open(folder, new Source(0));
  for (let minute = 0; minute < 120; minute++) await clock.told(serverTime + minute * 60_000);
  assert.equal(writes, 2);
});

test("a floor that cannot be read is as none", async (t) => {
  const folder = await newFolder(t);
  for (const damaged of ["", "\0\0\0", "yesterday"]) {
    await folder.write("clock-floor", damaged);
    assert.ok((await DeviceClock.open(folder, new Source(0))).now() < serverTime);
  }
});
