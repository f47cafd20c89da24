import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Job } from "@selvedge/protocol";
import { jobFile } from "../job-file.fixture.ts";
import { contributions } from "../operator.fixture.ts";
import type { TestDevice } from "../test-device.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

suite("a device that is revoked in the middle of a round", () => {
  let fleet: TestFleet;
  let revoked: TestDevice;
  let others: readonly TestDevice[] = [];
  before(async () => {
    fleet = await TestFleet.start(3);
    const [first, ...rest] = fleet.devices;
    assert.ok(first);
    [revoked, others] = [first, rest];
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  /** Until the device that will be revoked has contributed, and the others can not yet. */
  async function contribute(job: string): Promise<void> {
    for (const device of others) device.pause(true);
    await fleet.operator.startJob(job, jobFile("1s"));
    const hasContributed = ({ current }: Job): boolean =>
      current?.participants.some(
        ({ device, status }) => device === revoked.id && status === "contributed",
      ) === true;
    await fleet.operator.watch(job, hasContributed);
  }

  test("[RC10] [EN32] leaves nothing in the weights, though the coordinator dies before a job is told", async () => {
    await contribute("digits");
    // The revocation is durable, and the job's exclusion is not.
    await fleet.armCoordinator({ when: "beforeCommit", effect: "openRound", round: 2 });
    await assert.rejects(fleet.operator.revoke(revoked.id, "stolen"), { code: "unavailable" });
    await fleet.coordinatorCrash();
    await fleet.startCoordinator();
    for (const device of others) device.pause(false);
    const job = await fleet.operator.watch("digits");
    assert.equal(job.status, "completed", job.reason);
    const [first, ...rest] = job.history;
    assert.match(first?.reason ?? "", /opened again without .*: it was revoked: stolen/);
    assert.equal(first?.participants.find(({ device }) => device === revoked.id)?.status, "excluded");
    assert.deepEqual(rest.length, 3);
    for (const members of contributions({ ...job, history: rest })) {
      assert.deepEqual(members, others.map(({ id }) => id).sort());
    }
    const { standing, standingReason, online } = await fleet.operator.device(revoked.id);
    assert.deepEqual([standing, standingReason, online], ["revoked", "stolen", false]);
    await revoked.says(/this device was revoked/);
  });
});
