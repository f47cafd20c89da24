import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { type Envelope, EnvelopeSchema } from "@selvedge/protocol";
import { createMemoryLink, type MemoryLinkPolicy } from "./memory-link.ts";

function envelope(sequence: number): Envelope {
  return create(EnvelopeSchema, { from: "a", to: "b", sequence: BigInt(sequence) });
}

/** Holds everything until the test lets it go, in whatever order. */
function held(): MemoryLinkPolicy & { readonly underWay: ((bytes?: Uint8Array) => void)[] } {
  const underWay: ((bytes?: Uint8Array) => void)[] = [];
  return {
    underWay,
    deliver: (_envelope, _direction, deliverNow) => underWay.push(deliverNow),
    close: (_direction, closeNow) => underWay.push(() => closeNow()),
  };
}

test("a policy can delay, reorder, duplicate and lose", () => {
  const policy = held();
  const { device, coordinator } = createMemoryLink(policy);
  const received: bigint[] = [];
  coordinator.onEnvelope(({ sequence }) => received.push(sequence));
  for (const sequence of [1, 2, 3]) device.send(envelope(sequence));
  assert.deepEqual(received, []);
  for (const index of [2, 0, 0]) policy.underWay[index]?.();
  assert.deepEqual(received, [3n, 1n, 1n]);
});

test("what crosses are bytes, so that no object is shared", () => {
  const policy = held();
  const { device, coordinator } = createMemoryLink(policy);
  const sent = envelope(1);
  device.send(sent);
  sent.sequence = 2n;
  const received: Envelope[] = [];
  coordinator.onEnvelope((each) => received.push(each));
  policy.underWay[0]?.();
  assert.deepEqual(received, [envelope(1)]);
});

test("a cut closes both ends and loses what is under way", () => {
  const policy = held();
  const { device, coordinator, cut } = createMemoryLink(policy);
  const reasons: string[] = [];
  device.onClose((reason) => reasons.push(reason));
  coordinator.onClose((reason) => reasons.push(reason));
  coordinator.onEnvelope(() => assert.fail("delivered"));
  device.send(envelope(1));
  cut("cable");
  policy.underWay[0]?.();
  assert.deepEqual(reasons, ["cable", "cable"]);
});

test("a peer may learn late that the other side closed", () => {
  const policy = held();
  const { device, coordinator } = createMemoryLink(policy);
  const reasons: string[] = [];
  coordinator.onClose((reason) => reasons.push(reason));
  device.close("power lost");
  coordinator.send(envelope(1));
  assert.deepEqual(reasons, []);
  policy.underWay[0]?.();
  assert.deepEqual(reasons, ["closed by the peer: power lost"]);
});
