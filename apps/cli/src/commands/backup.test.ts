import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startFakeCoordinator } from "../operator/coordinator.fixture.ts";
import { selvedge } from "../terminal.fixture.ts";

test("a backup is of the coordinator on this machine, wherever this user has logged in", async (t) => {
  await using elsewhere = await startFakeCoordinator();
  const folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const hub = join(folder, "state/selvedge/coordinator");
  const env = { XDG_CONFIG_HOME: join(folder, "config"), XDG_STATE_HOME: join(folder, "state") };
  const line = `up --state ${hub} --host 127.0.0.1 --port 0 --json`;
  const interruption = new AbortController();
  const up = await selvedge(line.split(" "), {
    interrupted: interruption.signal,
    onStdout: () => interruption.abort(),
  });
  assert.equal(up.code, 0, up.stderr);
  await mkdir(env.XDG_CONFIG_HOME, { recursive: true });
  await cp(elsewhere.folder, join(env.XDG_CONFIG_HOME, "selvedge"), { recursive: true });
  const { code, stderr } = await selvedge(["backup", join(folder, "copy")], { env });
  assert.equal(code, 0, stderr);
  assert.ok((await readdir(join(folder, "copy"))).includes("records.jsonl"));
});
