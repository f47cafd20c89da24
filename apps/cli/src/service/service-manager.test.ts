import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { serviceManager } from "./service-manager.ts";

/** A systemd-notify that writes down what it is told; the real one is in test/conformance. */
async function recorder(t: TestContext): Promise<{ path: string; told: () => Promise<string[]> }> {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-notify-"));
  t.after(() => rm(folder, { recursive: true }));
  const log = join(folder, "log");
  await writeFile(log, "");
  await writeFile(join(folder, "systemd-notify"), `#!/bin/sh\necho "$NOTIFY_SOCKET $1" >> ${log}\n`);
  await chmod(join(folder, "systemd-notify"), 0o755);
  const told = async (): Promise<string[]> => (await readFile(log, "utf8")).trimEnd().split("\n");
  return { path: `${folder}:/usr/bin:/bin`, told };
}

const well = {
  check: async (): Promise<void> => {},
  onTrouble: (error: unknown): never => assert.fail(String(error)),
};

test("without a supervisor nobody is told anything", async () => {
  const manager = serviceManager({ env: { PATH: "/nowhere" } }, well);
  await manager.ready();
  await manager.stopping();
});

test("the supervisor is told of start, life and end", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { path, told } = await recorder(t);
  const env = { PATH: path, NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "60000000" };
  let checks = 0;
  const manager = serviceManager(
    { env },
    {
      ...well,
      check: async () => {
        checks += 1;
      },
    },
  );
  await manager.ready();
  t.mock.timers.tick(29_999);
  assert.equal(checks, 0);
  t.mock.timers.tick(1);
  assert.equal(checks, 1);
  await manager.stopping();
  t.mock.timers.tick(60_000);
  assert.equal(checks, 1);
  const lines = await told();
  assert.equal(lines[0], "/run/notify READY=1");
  assert.ok(lines.includes("/run/notify STOPPING=1"));
});

test("a service that is not well is silent, and says why", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { path, told } = await recorder(t);
  const trouble = Promise.withResolvers<unknown>();
  const env = { PATH: path, NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "60000000" };
  const manager = serviceManager(
    { env },
    { check: () => Promise.reject(new Error("disk is read-only")), onTrouble: trouble.resolve },
  );
  await manager.ready();
  t.mock.timers.tick(30_000);
  assert.match(String(await trouble.promise), /read-only/);
  assert.deepEqual(await told(), ["/run/notify READY=1"]);
  await manager.stopping();
});

test("a check that ends after the service is about to end says nothing", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { path, told } = await recorder(t);
  const env = { PATH: path, NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "60000000" };
  const checked = Promise.withResolvers<void>();
  const manager = serviceManager({ env }, { ...well, check: () => checked.promise });
  await manager.ready();
  t.mock.timers.tick(30_000);
  const stopping = manager.stopping();
  checked.resolve();
  await stopping;
  // What would have been said is said by now.
  await serviceManager({ env: { ...env, WATCHDOG_USEC: "" } }, well).ready();
  assert.deepEqual(await told(), ["/run/notify READY=1", "/run/notify STOPPING=1", "/run/notify READY=1"]);
});

test("a watchdog meant for another process is not ours to feed", async (t) => {
  // Above any process id there can be.
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { path } = await recorder(t);
  const env = { PATH: path, NOTIFY_SOCKET: "/run/n", WATCHDOG_USEC: "60000000", WATCHDOG_PID: "4194305" };
  const manager = serviceManager({ env }, { ...well, check: () => assert.fail("asked") });
  await manager.ready();
  t.mock.timers.tick(120_000);
  await manager.stopping();
});

test("a missing systemd-notify is said, and the service goes on", async () => {
  const troubles: unknown[] = [];
  const env = { PATH: "/nowhere", NOTIFY_SOCKET: "/run/notify" };
  await serviceManager({ env }, { ...well, onTrouble: (error) => troubles.push(error) }).ready();
  assert.match(String(troubles[0]), /ENOENT/);
});
