import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { FleetIdentity } from "@selvedge/protocol";
import { jobFile } from "../job-file.fixture.ts";
import { until } from "../patience.fixture.ts";
import type { TestDevice } from "../test-device.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

suite("a fleet whose keys are replaced", () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start(3);
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  const identity = (): Promise<FleetIdentity> => fleet.operator.identity((client) => client.getIdentity({}));
  const train = async (id: string): Promise<void> => {
    await fleet.operator.startJob(id, jobFile("20s"));
    fleet.assertComplete(await fleet.operator.watch(id));
  };
  const rootsOf = ({ folder }: TestDevice): number =>
    readFileSync(join(folder, "trust.pem"), "utf8").match(/BEGIN CERTIFICATE/g)?.length ?? 0;

  test("[EN23] the root: nobody enrols again, sessions last, and who was away comes back", async () => {
    const [first, second, away] = fleet.devices;
    assert.ok(first && second && away);
    await train("before");
    const oldToken = await fleet.operator.createToken(1);
    await away.kill();
    await fleet.offline(away);

    const staged = await fleet.operator.identity((client) => client.rotateRoot({ step: "stage" }));
    assert.deepEqual(
      staged.roots.map(({ state }) => state),
      ["active", "staged"],
    );
    await until(async () => (await identity()).roots[1]?.devices === 2, "two devices believe the new root");
    await assert.rejects(
      fleet.operator.identity((client) => client.rotateRoot({ step: "activate" })),
      { code: "failed_precondition", message: /1 devices have not learned of the new root: device-3/ },
    );
    const activated = await fleet.operator.identity((client) =>
      client.rotateRoot({ step: "activate", force: true }),
    );
    assert.deepEqual(
      activated.roots.map(({ state }) => state),
      ["active", "previous"],
    );
    assert.equal(activated.roots[0]?.pin, staged.roots[1]?.pin);

    assert.equal(rootsOf(away), 1);
    away.start();
    await fleet.online(3);
    await until(() => rootsOf(away) === 2, "who was away believes the new root");
    for (const device of [first, second]) assert.equal(device.count(/"connected"/), 1, "its session lasted");
    await train("after");

    // A token of before pins the old root; one of now the new.
    const joined = [await fleet.join(oldToken), await fleet.join(await fleet.operator.createToken(1))];
    assert.deepEqual(joined.map(rootsOf), [2, 2]);

    await until(async () => (await identity()).roots[0]?.devices === 5, "all devices believe the new root");
    const finished = await fleet.operator.identity((client) => client.rotateRoot({ step: "finish" }));
    assert.deepEqual(
      finished.roots.map(({ state }) => state),
      ["active"],
    );
    await until(
      () => [first, second, away].every((device) => rootsOf(device) === 1),
      "the old root is dropped",
    );
  });

  test("[EN24] the issuing key: certificates of the old one count until they are dropped, and then are renewed", async () => {
    await fleet.operator.identity((client) => client.rotateIntermediate({}));
    await fleet.restartAgents();
    await fleet.online(3);
    await assert.rejects(
      fleet.operator.identity((client) => client.rotateIntermediate({ finish: true })),
      { code: "failed_precondition", message: /have not renewed their certificate/ },
    );
    await fleet.operator.identity((client) => client.rotateIntermediate({ finish: true, force: true }));
    await fleet.restartAgents();
    await fleet.online(3);
  });
});
