import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { jobFile } from "../job-file.fixture.ts";
import { contributions } from "../operator.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

suite("a killed agent", () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start(3);
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  test("[RC2] in the middle of a round: the round closes by quorum, and the job completes", async () => {
    const [first, second, third] = fleet.devices;
    assert.ok(first && second && third);
    // Thousands of passes over the data: whoever has accepted is still training when it is killed.
    await fleet.operator.startJob("quorum", jobFile("2s").replace("localEpochs: 2", "localEpochs: 200"));
    const statusOf =
      (device: string) =>
      ({ device: id, status }: { device: string; status: string }) =>
        id === device && status === "accepted";
    await fleet.operator.watch("quorum", ({ current }) => {
      return current?.participants.some(statusOf(third.id)) === true;
    });
    await third.kill();
    const job = await fleet.operator.watch("quorum");
    assert.equal(job.status, "completed", job.reason);
    const others = [first.id, second.id].sort();
    assert.deepEqual(contributions(job), [others, others, others]);
    assert.equal(job.history[0]?.status, "completed");
    assert.equal(job.history[0]?.participants.find(({ device }) => device === third.id)?.status, "accepted");
    third.start();
    await fleet.online(3);
    await fleet.outboxesEmpty();
  });

  test("[AK1] with its result in the outbox: it submits after its restart, without training again", async () => {
    const job = jobFile("50s");
    await fleet.operator.startJob("undisturbed", job);
    const undisturbed = await fleet.operator.watch("undisturbed");
    await fleet.restartAgents();
    await fleet.online(3);
    // A device has sent its last result, and the coordinator dies before it is durable there.
    await fleet.armCoordinator({ when: "beforeCommit", effect: "receipt", round: 3 });
    await fleet.operator.startJob("outbox", job);
    const { device: id } = await fleet.coordinatorCrash();
    const device = fleet.device(id ?? "");
    await device.kill();
    const sent = new Set(device.sentResults());
    // Without its data it cannot train; the result that waits is all it has.
    await rm(device.dataFolder, { recursive: true });
    device.start();
    await fleet.startCoordinator();
    const ended = await fleet.operator.watch("outbox");
    fleet.assertComplete(ended);
    assert.equal(ended.weights?.digest, undisturbed.weights?.digest);
    assert.deepEqual(new Set(device.sentResults()), sent);
    await fleet.outboxesEmpty();
  });
});
