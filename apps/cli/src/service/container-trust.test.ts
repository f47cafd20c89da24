import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { deviceTrust, installTrust, lendTrust } from "./container-trust.ts";

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

test("trust that was lent is taken back, and what it replaced is put back", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-trust-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const lent = { "ca.crt": { text: "the demo's" } };
  const takeBack = await lendTrust([join(folder, "new")], "host:1", lent);
  await takeBack();
  assert.deepEqual(await readdir(join(folder, "new")), []);
  for (const before of [{ text: "a fleet's" }, { link: join(folder, "trust.pem") }]) {
    await rm(join(folder, "host:1"), { recursive: true, force: true });
    await installTrust([folder], "host:1", { "ca.crt": before, "client.key": { text: "a key" } });
    const putBack = await lendTrust([folder], "host:1", lent);
    assert.equal(await readFile(join(folder, "host:1", "ca.crt"), "utf8"), "the demo's");
    await putBack();
    const path = join(folder, "host:1", "ca.crt");
    assert.equal(
      "link" in before ? await readlink(path) : await readFile(path, "utf8"),
      Object.values(before)[0],
    );
    assert.equal(await readFile(join(folder, "host:1", "client.key"), "utf8"), "a key");
  }
});
