import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { BirthSchema, createStamper, type EnvelopeBody, OfferReplySchema } from "@selvedge/protocol";
import { createMemoryLink } from "@selvedge/transport";
import type { Admission } from "../identity/device-admission.ts";
import { type Arrival, SessionHub } from "./session-hub.ts";

const birth: EnvelopeBody = { case: "birth", value: create(BirthSchema, { session: "s1" }) };
const reply: EnvelopeBody = { case: "offerReply", value: create(OfferReplySchema, { job: "digits" }) };
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const welcome: Admission = { kind: "welcome", mark: new Uint8Array([7]) };

function setUp(admit: (arrival: Arrival) => Promise<Admission> = async () => welcome) {
  const trace: string[] = [];
  const hub = new SessionHub({
    epoch: "epoch",
    softwareVersion: "1.0.0",
    now: () => 1_000,
    admit: (_device, arrival) => admit(arrival),
    onBirth: (device) => void trace.push(`birth ${device}`),
    onEnvelope: (device, envelope) => void trace.push(`${envelope.body.case} of ${device}`),
    onGone: (device) => void trace.push(`gone ${device}`),
    onTrouble: (device, error) => void trace.push(`trouble ${device}: ${error.message}`),
  });
  const connect = (as = "d1", epoch = "device epoch") => {
    const { device, coordinator } = createMemoryLink();
    const received: (string | undefined)[] = [];
    device.onEnvelope((envelope) => void received.push(envelope.body.case));
    device.onClose((reason) => void received.push(`closed: ${reason}`));
    hub.accept(coordinator, { deviceId: "d1" });
    const stamp = createStamper(as, epoch);
    return { received, send: (body: EnvelopeBody) => device.send(stamp("coordinator", body)) };
  };
  return { hub, trace, connect };
}

test("[SE14] a birth is welcomed, and what comes after it is handed on", async () => {
  const { hub, trace, connect } = setUp();
  const device = connect();
  assert.equal(hub.send("d1", reply), false, "nothing is sent to who has not said who it is");
  device.send(birth);
  await settled();
  device.send(reply);
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

test("[SE14] who speaks before its welcome is cut off", async () => {
  const { trace, connect } = setUp();
  const device = connect();
  device.send(birth);
  device.send(reply);
  await settled();
  assert.match(device.received[0] ?? "", /^closed: .*welcome/);
  assert.deepEqual(trace, ["gone d1"]);
});

test("[EN31] a device that waits is told so, is nowhere online, and is welcomed on the same link", async () => {
  let admission: Admission = { kind: "wait", reason: "it waits for an operator's approval" };
  const { hub, trace, connect } = setUp(async () => admission);
  const device = connect();
  device.send(birth);
  await settled();
  device.send(birth);
  await settled();
  assert.deepEqual(device.received, ["waiting", "waiting"]);
  assert.deepEqual([...hub.online()], []);
  assert.equal(hub.send("d1", reply), false);
  admission = welcome;
  hub.readmit("d1");
  await settled();
  assert.deepEqual(device.received, ["waiting", "waiting", "welcome"]);
  assert.deepEqual(trace, ["birth d1"]);
  hub.readmit("d1");
  await settled();
  assert.deepEqual(trace, ["birth d1"]);
});

test("[EN31] a device that is approved while it arrives does not wait for another birth", async () => {
  const first = Promise.withResolvers<Admission>();
  const decisions = [first.promise, Promise.resolve(welcome)];
  const { hub, connect } = setUp(() => decisions.shift() ?? assert.fail("asked too often"));
  const device = connect();
  device.send(birth);
  await settled();
  hub.readmit("d1");
  first.resolve({ kind: "wait", reason: "it waits for an operator's approval" });
  await settled();
  assert.deepEqual(device.received, ["waiting", "welcome"]);
  hub.readmit("d1");
  await settled();
});

test("[EN32] a device that is refused, or cut off, is told why and is heard no more", async () => {
  const refused = setUp(async () => ({ kind: "refuse", reason: "it was quarantined" }));
  const device = refused.connect();
  device.send(birth);
  await settled();
  assert.deepEqual(device.received, ["closed: closed by the peer: it was quarantined"]);

  const { hub, trace, connect } = setUp();
  const welcomed = connect();
  welcomed.send(birth);
  await settled();
  hub.cut("d1", "it was revoked");
  welcomed.send(reply);
  await settled();
  assert.equal(welcomed.received.at(-1), "closed: closed by the peer: it was revoked");
  assert.deepEqual(trace, ["birth d1", "gone d1"]);
  hub.cut("nobody", "");
});

test("[EN32] a device that is cut off while it is being let in is not welcomed", async () => {
  const decision = Promise.withResolvers<Admission>();
  const { hub, trace, connect } = setUp(() => decision.promise);
  const device = connect();
  device.send(birth);
  await settled();
  hub.cut("d1", "it was revoked");
  decision.resolve(welcome);
  await settled();
  assert.deepEqual(device.received, ["closed: closed by the peer: it was revoked"]);
  assert.deepEqual(trace, ["gone d1"]);
});

test("[EN33] a session knows the database of the live one it replaces", async () => {
  const arrivals: Arrival[] = [];
  const { connect } = setUp(async (arrival) => {
    arrivals.push(arrival);
    return welcome;
  });
  for (const epoch of ["one", "two"]) {
    connect("d1", epoch).send(birth);
    await settled();
  }
  assert.deepEqual(
    arrivals.map(({ epoch, replacedEpoch }) => [epoch, replacedEpoch]),
    [
      ["one", undefined],
      ["two", "one"],
    ],
  );
  connect("d1", "never heard");
  connect("d1", "three").send(birth);
  await settled();
  assert.equal(arrivals.at(-1)?.replacedEpoch, "two", "a silent session in between hides nothing");
});

test("when the coordinator cannot decide, the session ends and the trouble is told", async () => {
  const { trace, connect } = setUp(() => Promise.reject(new Error("disk full")));
  const device = connect();
  device.send(birth);
  await settled();
  assert.match(device.received[0] ?? "", /^closed: /);
  assert.deepEqual(trace.sort(), ["gone d1", "trouble d1: disk full"]);
});
