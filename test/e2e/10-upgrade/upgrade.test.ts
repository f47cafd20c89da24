import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { pathToFileURL } from "node:url";
import { jobFile } from "../job-file.fixture.ts";
import { until } from "../patience.fixture.ts";
import { thisCheckout } from "../spawned-process.fixture.ts";
import type { TestDevice } from "../test-device.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";
import { EarlierSources, missing } from "./earlier-sources.fixture.ts";
import { addPairs, pairs } from "./pairs.fixture.ts";

/** What a fleet may have run before: certificates that last, tables, convolutions and operators came after it. */
const versionBefore = "1420187";
/** What a checkout that is kept up to date ran before. */
const commitBefore = "HEAD~1";

for (const version of [versionBefore, commitBefore]) {
  suite(`an upgrade from ${version}`, { skip: missing(version) }, () => {
    let earlier: EarlierSources;
    before(() => {
      earlier = new EarlierSources(version);
    });
    after(() => earlier?.[Symbol.dispose]());

    test("starts from sources that load their own packages", () => {
      for (const name of ["@selvedge/protocol", "@selvedge/agent", "@selvedge/transport-grpc", "selvedge"]) {
        const place = earlier.resolve(name);
        assert.ok(place.startsWith(`${pathToFileURL(earlier.root)}/`), place);
      }
    });

    test("[OP2] of an agent: it works with today's coordinator before and after", async () => {
      await using fleet = await TestFleet.start(0);
      const token = await fleet.operator.createToken(2);
      const device = fleet.joinWith(earlier.root, token);
      const devices = [device, await fleet.join(token)];
      await startAll(fleet, devices);
      await trains(fleet, devices, "before", pairJob);
      await fleet.run(["release", "before"]);
      await fleet.serving(1, devices);

      await device.kill();
      device.sources = thisCheckout;
      await startAll(fleet, [device]);
      assert.equal((await fleet.operator.device(device.id)).standing, "active");
      await trains(fleet, devices, "after", pairJob);
      await fleet.run(["release", "after"]);
      await fleet.serving(2, devices);
    });
  });
}

suite("an upgrade from the version before", { skip: missing(versionBefore) }, () => {
  let earlier: EarlierSources;
  before(() => {
    earlier = new EarlierSources(versionBefore);
  });
  after(() => earlier?.[Symbol.dispose]());

  test("[OF7] of an agent: before it, it takes part in jobs with metrics that it does not know", async () => {
    await using fleet = await TestFleet.start(0);
    const token = await fleet.operator.createToken(2);
    const devices = [fleet.joinWith(earlier.root, token), await fleet.join(token)];
    for (const each of devices) addPairs(each.folder);
    await startAll(fleet, devices);
    const job = pairJob.replace(/evaluation:.*\n/, "").replaceAll("classes: 4", "classes: 2");
    await trains(fleet, devices, "two-classes", job.replace("{ name: digits,", `{ name: ${pairs},`));
    const { history } = await fleet.operator.watch("two-classes");
    assert.ok(history[0]?.federated.eval_true_positives !== undefined);
  });

  test("[OP2] of a coordinator: it goes on with its folder, its job and its devices", async () => {
    await using fleet = await TestFleet.start(0, { sources: earlier.root });
    const token = await fleet.operator.createToken(3);
    const devices = [fleet.joinWith(earlier.root, token), fleet.joinWith(earlier.root, token)];
    await startAll(fleet, devices);
    await trains(fleet, devices, "undisturbed", slowJob);
    await fleet.run(["release", "undisturbed"], earlier.root);
    await fleet.serving(1, devices);
    await fleet.operator.startJob("interrupted", slowJob);
    await fleet.operator.watch("interrupted", ({ roundsCompleted }) => roundsCompleted >= 1);

    await fleet.killCoordinator();
    fleet.sources = thisCheckout;
    await fleet.startCoordinator();
    const resumed = await fleet.operator.watch("interrupted");
    fleet.assertComplete(resumed, devices);
    const undisturbed = await fleet.operator.watch("undisturbed");
    assert.equal(resumed.weights?.digest, undisturbed.weights?.digest);

    // A token that the version before made still lets one in.
    devices.push(await fleet.join(token));
    for (const device of devices.slice(0, 2)) {
      await device.kill();
      device.sources = thisCheckout;
    }
    await startAll(fleet, devices);
    await trains(fleet, devices, "everyone", jobFile("50s"));
    await fleet.run(["release", "everyone"]);
    await fleet.serving(2, devices);
  });
});

const pairJob: string = jobFile("50s").replace("cohort: 3", "cohort: 2");
/** Long enough for something to happen between two rounds. */
const slowJob: string = pairJob.replace("localEpochs: 2", "localEpochs: 20");

async function startAll(fleet: TestFleet, devices: readonly TestDevice[]): Promise<void> {
  for (const device of devices) device.start();
  await until(async () => {
    const { devices: seen } = await fleet.operator.call((client) => client.listDevices({}));
    return devices.every(({ id }) => seen.some((one) => one.id === id && one.online));
  }, "all devices online");
}

async function trains(
  fleet: TestFleet,
  devices: readonly TestDevice[],
  id: string,
  file: string,
): Promise<void> {
  await fleet.operator.startJob(id, file);
  fleet.assertComplete(await fleet.operator.watch(id), devices);
}
