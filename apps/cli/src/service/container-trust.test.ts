import assert from "node:assert/strict";
import { mkdtemp, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { deviceTrust, installTrust } from "./container-trust.ts";

test("a registry's trust is written for each folder, and what an agent renews is linked", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-trust-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const device = join(folder, "device");
  const folders = ["containers", "docker"].map((name) => join(folder, name));
  const written = await installTrust(folders, "127.0.0.1:7443", deviceTrust(device));
  assert.deepEqual(
    written,
    folders.map((one) => join(one, "127.0.0.1:7443")),
  );
  for (const one of written) {
    assert.equal(await readlink(join(one, "ca.crt")), join(device, "trust.pem"));
    assert.equal(await readlink(join(one, "client.cert")), join(device, "device.crt"));
    assert.equal(await readlink(join(one, "client.key")), join(device, "device.key"));
  }
  // An operator's root in place of a link: what the link led to stays as it was.
  const target = join(folder, "trust.pem");
  await writeFile(target, "the agent's");
  await installTrust([folder], "host:1", { "ca.crt": { link: target } });
  await installTrust([folder], "host:1", { "ca.crt": { text: "a root" } });
  assert.equal(await readFile(join(folder, "host:1", "ca.crt"), "utf8"), "a root");
  assert.equal(await readFile(target, "utf8"), "the agent's");
});
