import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { BirthSchema, createStamper, type EnvelopeBody, OfferReplySchema } from "@selvedge/protocol";
import { createMemoryLink } from "@selvedge/transport";
import { SessionHub } from "./session-hub.ts";

const birth: EnvelopeBody = { case: "birth", value: create(BirthSchema, { session: "s1" }) };
const reply: EnvelopeBody = { case: "offerReply", value: create(OfferReplySchema, { job: "digits" }) };
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const trace: string[] = [];
  const hub = new SessionHub({
    epoch: "epoch",
    softwareVersion: "1.0.0",
    now: () => 1_000,
    onBirth: (device) => void trace.push(`birth ${device}`),
    onEnvelope: (device, envelope) => void trace.push(`${envelope.body.case} of ${device}`),
    onGone: (device) => void trace.push(`gone ${device}`),
  });
  const connect = (as = "d1") => {
    const { device, coordinator } = createMemoryLink();
    const received: (string | undefined)[] = [];
    device.onEnvelope((envelope) => void received.push(envelope.body.case));
    device.onClose((reason) => void received.push(`closed: ${reason}`));
    hub.accept(coordinator, { deviceId: "d1" });
    const stamp = createStamper(as, "device epoch");
    return { received, send: (body: EnvelopeBody) => device.send(stamp("coordinator", body)) };
  };
  return { hub, trace, connect };
}

test("[SE14] a birth is welcomed, and what comes after it is handed on", async () => {
  const { hub, trace, connect } = setUp();
  const device = connect();
  assert.equal(hub.send("d1", reply), false, "nothing is sent to who has not said who it is");
  device.send(birth);
  device.send(reply);
  await settled();
  device.send(birth);
  await settled();
  assert.deepEqual(device.received, ["welcome", "welcome"]);
  assert.deepEqual(trace, ["birth d1", "offerReply of d1"]);
});

test("[SE14] a session that does not begin with a birth is closed", async () => {
  const { trace, connect } = setUp();
  const device = connect();
  device.send(reply);
  await settled();
  assert.match(device.received[0] ?? "", /^closed: .*birth/);
  assert.deepEqual(trace, ["gone d1"]);
});

test("a device cannot speak for another", async () => {
  const { trace, connect } = setUp();
  const device = connect("d2");
  device.send(birth);
  await settled();
  assert.match(device.received[0] ?? "", /^closed: .*d2/);
  assert.deepEqual(trace, ["gone d1"]);
});

test("[SE14] a newer session of a device replaces the older one, which says no more", async () => {
  const { hub, trace, connect } = setUp();
  const older = connect();
  older.send(birth);
  await settled();
  const newer = connect();
  newer.send(birth);
  older.send(reply);
  await settled();
  assert.match(older.received.at(-1) ?? "", /^closed: .*replaced/);
  assert.deepEqual(trace, ["birth d1", "birth d1"]);
  assert.equal(hub.send("d1", reply), true);
});
