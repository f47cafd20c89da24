import assert from "node:assert/strict";
import { cpSync, renameSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "@selvedge/protocol";
import { mountSmallDisk, type SmallDisk, smallDiskMissing } from "@selvedge/testkit";
import { jobFile } from "../job-file.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

/** Long enough that every round has its full cohort, and so one possible result; long enough to be filled into. */
const patientJob: string = jobFile("50s").replace("localEpochs: 2", "localEpochs: 100");

suite("a full disk", { skip: smallDiskMissing }, () => {
  let fleet: TestFleet;
  let coordinatorDisk: SmallDisk;
  let deviceDisk: SmallDisk;
  let undisturbed: Job;

  before(async () => {
    fleet = await TestFleet.start(3);
    const [device] = fleet.devices;
    assert.ok(device);
    await Promise.all([fleet.killCoordinator(), device.kill()]);
    coordinatorDisk = moveToSmallDisk(join(fleet.folder, "coordinator"));
    deviceDisk = moveToSmallDisk(device.folder);
    await fleet.startCoordinator();
    device.start();
    await fleet.restartAgents();
    await fleet.online(3);
    await fleet.operator.startJob("undisturbed", patientJob);
    undisturbed = await fleet.operator.watch("undisturbed");
  });
  after(async () => {
    coordinatorDisk?.[Symbol.dispose]();
    deviceDisk?.[Symbol.dispose]();
    await fleet?.[Symbol.asyncDispose]();
  });

  const assertAsUndisturbed = (job: Job): void => {
    fleet.assertComplete(job);
    assert.equal(job.weights?.digest, undisturbed.weights?.digest);
  };

  for (const [name, disk] of [
    ["coordinator", () => coordinatorDisk],
    ["device", () => deviceDisk],
  ] as const) {
    test(`[ST9] of a ${name}, in the middle of a job: nobody dies, and the job completes once there is room`, async () => {
      await fleet.operator.startJob(name, patientJob);
      // In a round, not between two: a full disk may keep the next from opening.
      await fleet.operator.watch(
        name,
        ({ roundsCompleted, status }) => roundsCompleted >= 1 && status === "running",
      );
      disk().fill();
      // Long enough for the attempts that fail; how many there are does not matter.
      await sleep(3_000);
      assert.equal((await fleet.operator.call((client) => client.getStatus({}))).devicesOnline, 3);
      const { job } = await fleet.operator.call((client) => client.getJob({ job: name }));
      assert.equal(job?.status, "running");
      disk().free();
      assertAsUndisturbed(await fleet.operator.watch(name));
      await fleet.outboxesEmpty();
    });
  }
});

function moveToSmallDisk(folder: string): SmallDisk {
  renameSync(folder, `${folder}.before`);
  const disk = mountSmallDisk(8_000_000, folder);
  cpSync(`${folder}.before`, folder, { recursive: true });
  return disk;
}
