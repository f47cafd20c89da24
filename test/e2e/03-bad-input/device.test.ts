import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { encodeSafetensors, type ParameterLayout, parameterLayout, parseModel } from "@selvedge/onnx";
import { limits, type Offer, Verdict } from "@selvedge/protocol";
import { loadModel, parseJobFile } from "selvedge";
import { jobFile } from "../job-file.fixture.ts";
import { contributions } from "../operator.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";
import { HostileDevice } from "./hostile-device.fixture.ts";

suite("a device that is in the fleet and sends what is wrong", () => {
  let fleet: TestFleet;
  let hostile: HostileDevice;
  let layout: ParameterLayout;
  const job = jobFile("50s");

  before(async () => {
    fleet = await TestFleet.start(2);
    hostile = await HostileDevice.join(fleet);
    await fleet.online(3);
    const { bytes } = await loadModel(parseJobFile(job, "job.yaml"));
    layout = parameterLayout(parseModel(bytes));
    await fleet.operator.startJob("attacked", job);
  });
  after(async () => {
    await hostile?.[Symbol.asyncDispose]();
    await fleet?.[Symbol.asyncDispose]();
  });

  /** A body of the plan's parameters, all of one value but the last. */
  function body(value: number, last = value): Uint8Array {
    return encodeSafetensors(layout, new Float32Array(layout.length).fill(value).fill(last, -1));
  }

  async function answer(
    offer: Offer,
    bytes: Uint8Array,
    fault?: Parameters<HostileDevice["submit"]>[2],
  ): Promise<[Verdict, string]> {
    await hostile.submit(offer, bytes, fault);
    const { verdict, reason } = await hostile.receipt();
    return [verdict, reason];
  }

  test("[AK4] a submission for an unknown job, another base or a round to come changes nothing", async () => {
    const offer = await hostile.offer(1);
    const unknown = await answer(offer, body(0), { job: "no-such-job" });
    assert.deepEqual(unknown, [Verdict.REFUSED, "no such job"]);
    const [stale, staleReason] = await answer(offer, body(0), { baseVersion: 7n });
    assert.equal(stale, Verdict.REFUSED);
    assert.match(staleReason, /version 7/);
    const [early, earlyReason] = await answer(offer, body(0), { round: 99 });
    assert.deepEqual([early, earlyReason], [Verdict.REFUSED, "no such round"]);
    const { job } = await fleet.operator.call((client) => client.getJob({ job: "attacked" }));
    assert.equal(job?.current?.number, 1);
    const [verdict, reason] = await answer(offer, body(0, Number.NaN));
    assert.equal(verdict, Verdict.REFUSED);
    assert.match(reason, /NaN/);
  });

  test("[SU6] NaN, infinity and another shape cost the device its round, and nobody else anything", async () => {
    const second = await hostile.offer(2);
    const [verdict, reason] = await answer(second, body(0, Number.POSITIVE_INFINITY));
    assert.equal(verdict, Verdict.REFUSED);
    assert.match(reason, /Infinity/);
    const third = await hostile.offer(3);
    const cut = body(0).subarray(0, -4);
    assert.equal((await answer(third, cut))[0], Verdict.REFUSED);
    const ended = await fleet.operator.watch("attacked");
    const honest = fleet.devices.map(({ id }) => id).sort();
    assert.equal(ended.status, "completed", ended.reason);
    assert.deepEqual(contributions(ended), [honest, honest, honest]);
  });

  test("[AK3] a second body is refused, and the first again is accepted and counted once", async () => {
    await fleet.operator.startJob("repeated", job);
    const offer = await hostile.offer(1);
    assert.deepEqual(await answer(offer, body(0.5)), [Verdict.ACCEPTED, ""]);
    hostile.repeat(offer, body(0.5));
    assert.equal((await hostile.receipt()).verdict, Verdict.ACCEPTED);
    hostile.repeat(offer, body(0.25));
    assert.equal((await hostile.receipt()).verdict, Verdict.REFUSED);
    const job1 = await fleet.operator.watch("repeated", ({ history }) => history.length > 0);
    assert.equal(contributions(job1)[0]?.length, 3);
  });

  test("a malformed and an oversized frame end their link, and the coordinator goes on", async () => {
    const malformed = await hostile.sendFrame(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    assert.ok(["invalid_argument", "corrupt"].includes(malformed.code), malformed.message);
    const oversized = await hostile.sendFrame(new Uint8Array(limits.envelopeBytesMax + 1));
    assert.ok(["too_large", "resource_exhausted"].includes(oversized.code), oversized.message);
    await fleet.online(2);
  });
});
