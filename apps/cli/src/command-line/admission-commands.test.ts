import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { forSuite } from "../for-suite.fixture.ts";
import { startFakeCoordinator } from "../operator/coordinator.fixture.ts";
import type { Outcome, Surroundings } from "../terminal.fixture.ts";

suite("join tokens and devices", () => {
  const fake = forSuite(startFakeCoordinator);
  const run = (line: string, surroundings?: Surroundings): Promise<Outcome> => fake().run(line, surroundings);

  test("a token stands alone on stdout", async () => {
    assert.deepEqual(await run("token create --lifetime 10m --uses 5"), {
      code: 0,
      stdout: "svj1.for-5\n",
      stderr:
        "for 5 devices; expires in 10m, at 2026-11-24 12:10:00Z; it cannot be shown again\n" +
        `next, on the device: selvedge join ${fake().url} --token-file -\n`,
    });
    const { stdout, stderr } = await run("token create --json");
    assert.deepEqual(
      [JSON.parse(stdout), stderr],
      [
        {
          token: "svj1.for-1",
          id: "5b2f0c9e4d1a7788",
          expiresAtMs: 1_795_525_200_000,
          uses: 1,
          group: "",
          tags: [],
          approve: false,
        },
        "",
      ],
    );
    const granting = await run("token create --group north --tag a --tag b --approve");
    assert.equal(granting.stdout, "svj1.for-1-north-a-b-approve\n");
    assert.match(granting.stderr, /waits for: selvedge device approve/);
    assert.deepEqual(await run("token create --lifetime 31d"), {
      code: 2,
      stdout: "",
      stderr: "error: 2678400 seconds; 1 to 2592000 are allowed\n  at:  --lifetime\n",
    });
  });

  test("devices are listed, whatever they call themselves", async () => {
    const { stdout } = await run("device list");
    assert.equal(
      stdout,
      [
        "NAME      STATE        SEEN    CERTIFICATE  GROUP  DATA    MODELS              ID",
        "kitchen   online       now     in 30d       north  digits  digits@1            7d9e0a52-0000-4000-8000-000000000001",
        "shed?[2J  quarantined  3m ago  expired      -      -       digits@1 (refused)  7d9e0a52-0000-4000-8000-000000000002",
        "",
      ].join("\n"),
    );
    const { devices } = JSON.parse((await run("--json device list")).stdout);
    assert.deepEqual([devices[0].models[0].version, devices[1].lastSeenAtMs], [1, 1_795_521_420_000]);
  });

  test("devices are listed by group and tags", async () => {
    const names = async (filter: string): Promise<string[]> =>
      JSON.parse((await run(`device list --json ${filter}`)).stdout).devices.map(
        ({ name }: { name: string }) => name,
      );
    assert.deepEqual(await names("--group north --tag camera"), ["kitchen"]);
    assert.deepEqual(await names("--group south"), []);
    assert.deepEqual(await names("--tag camera --tag indoor"), []);
  });

  test("a device is shown, with why it is in its state", async () => {
    const { stdout } = await run("device show 7d9e0a52-0000-4000-8000-000000000002");
    assert.match(stdout, /^device {7}shed\?\[2J$/m);
    assert.match(stdout, /^state {8}quarantined since 2026-11-24 11:59:00Z: its identity is in use twice$/m);
    assert.match(stdout, /^security {5}found in use twice, 2 times; last 2026-11-24 11:59:00Z$/m);
    assert.match(stdout, /^refused {6}digits@1: unsigned$/m);
    const kitchen = await run("device show kitchen");
    assert.match(kitchen.stdout, /^state {8}online$/m);
    assert.match(kitchen.stdout, /^enrolled {5}.*, with token 5b2f0c9e4d1a7788$/m);
    assert.equal(JSON.parse((await run("device show kitchen --json")).stdout).device.group, "north");
    assert.deepEqual((await run("device show attic")).code, 3);
    assert.match((await run("device show 7d9e")).stderr, /2 devices fit/);
  });

  test("devices are approved, revoked, renamed and grouped", async () => {
    const kitchen = "7d9e0a52-0000-4000-8000-000000000001";
    const said = async (line: string): Promise<string> => (await run(line)).stdout;
    assert.equal(await said("device approve kitchen"), `device kitchen (${kitchen}) is active\n`);
    assert.match(await said("device revoke kitchen --reason stolen"), /is revoked: it is cut off/);
    const revoked = JSON.parse(await said("device revoke kitchen --reason stolen --json"));
    assert.equal(revoked.device.standingReason, "stolen");
    assert.equal(await said("device rename kitchen hall"), `device ${kitchen} is called hall\n`);
    assert.equal(
      await said("device group kitchen south --tag a --tag b"),
      "device kitchen is in group south; tags: a, b\n",
    );
    assert.equal(
      await said("device group kitchen south"),
      "device kitchen is in group south; tags: camera\n",
    );
    assert.equal(
      await said("device group kitchen - --clear-tags"),
      "device kitchen is in no group; tags: -\n",
    );
    assert.equal((await run("device group kitchen south --clear-tags --tag a")).code, 2);
  });

  test("join tokens are listed without their secrets, and revoked", async () => {
    assert.equal(
      (await run("token list")).stdout,
      [
        "ID                STATE                USED    EXPIRES  CREATED  GROUP  TAGS    REFUSED",
        "5b2f0c9e4d1a7788  open, with approval  2 of 5  in 1h    1m ago   north  camera  3",
        "5b2f0c9e4d1a7788  revoked              2 of 5  in 1h    1m ago   north  camera  3",
        "",
      ].join("\n"),
    );
    assert.equal(JSON.parse((await run("token list --json")).stdout).tokens.length, 2);
    assert.match(
      (await run("token revoke 5b2f0c9e4d1a7788")).stdout,
      /is revoked; the 2 devices it let in stay/,
    );
  });
});
