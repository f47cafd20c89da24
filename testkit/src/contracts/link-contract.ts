import assert from "node:assert/strict";
import { test as registerTest } from "node:test";
import { create } from "@bufbuild/protobuf";
import { type Envelope, EnvelopeSchema, limits, SelvedgeError } from "@selvedge/protocol";
import type { Link } from "@selvedge/transport";

/** Both ends of one open link, and how to take it down. */
export interface LinkPair {
  readonly device: Link;
  readonly coordinator: Link;
  /** Puts raw bytes on the wire towards one end, past the sender's own checks. */
  inject(to: "device" | "coordinator", bytes: Uint8Array): void;
  dispose(): Promise<void>;
}

/** What every implementation of `Link` must do; see `io/transport/src/link.ts`. */
export function registerLinkContract(name: string, open: () => Promise<LinkPair>): void {
  const test = (title: string, body: (pair: LinkPair) => Promise<void>): void => {
    registerTest(`${title} (${name})`, async () => {
      const pair = await open();
      try {
        await body(pair);
      } finally {
        await pair.dispose();
      }
    });
  };

  test("[SE1] envelopes cross both ways, in order and whole", async ({ device, coordinator }) => {
    for (const [from, to] of [
      [device, coordinator],
      [coordinator, device],
    ] as const) {
      const received = collect(to, 50);
      const sent = Array.from({ length: 50 }, (_, index) => envelope(index + 1));
      for (const each of sent) from.send(each);
      assert.deepEqual(await received, sent);
    }
  });

  test("[SE1] envelopes that come before there is a handler are kept", async ({ device, coordinator }) => {
    device.send(envelope(1));
    coordinator.send(envelope(2));
    // Once the answer is here, so is what was sent before it.
    assert.deepEqual(await collect(device, 1), [envelope(2)]);
    device.send(envelope(3));
    assert.deepEqual(await collect(coordinator, 2), [envelope(1), envelope(3)]);
  });

  test("[SE2] the largest envelope passes", async ({ device, coordinator }) => {
    const received = collect(coordinator, 1);
    device.send(envelopeOfBytes(limits.envelopeBytesMax));
    assert.deepEqual(await received, [envelopeOfBytes(limits.envelopeBytesMax)]);
  });

  test("[SE2] sending an envelope above the limit throws and leaves the link open", async (pair) => {
    for (const [from, to] of [
      [pair.device, pair.coordinator],
      [pair.coordinator, pair.device],
    ] as const) {
      assert.throws(() => from.send(envelopeOfBytes(limits.envelopeBytesMax + 1)), withCode("too_large"));
      const received = collect(to, 1);
      from.send(envelope(1));
      assert.equal((await received).length, 1);
    }
  });

  for (const side of ["device", "coordinator"] as const) {
    test(`[SE2] an envelope above the limit closes the link of the ${side} that receives it`, async (pair) => {
      pair[side].onEnvelope(() => assert.fail("delivered"));
      const closed = whenClosed(pair[side]);
      pair.inject(side, oversized());
      await closed;
    });

    test(`[SE3] bytes that are no envelope close the link of the ${side} that receives them`, async (pair) => {
      pair[side].onEnvelope(() => assert.fail("delivered"));
      const closed = whenClosed(pair[side]);
      pair.inject(side, Uint8Array.of(0xff, 0xff, 0xff));
      assert.match(await closed, /not an envelope/);
    });

    test(`[SE4] closing by the ${side} closes both ends, once`, async (pair) => {
      const closes = { device: 0, coordinator: 0 };
      pair.device.onClose(() => void closes.device++);
      pair.coordinator.onClose(() => void closes.coordinator++);
      const both = Promise.all([whenClosed(pair.device), whenClosed(pair.coordinator)]);
      pair[side].close("done");
      pair[side].close("again");
      const reasons = await both;
      assert.equal(reasons[side === "device" ? 0 : 1], "done");
      pair.device.close("late");
      pair.coordinator.close("late");
      assert.deepEqual(closes, { device: 1, coordinator: 1 });
    });

    test(`[SE4] what the ${side} sent before closing still arrives`, async (pair) => {
      const other = side === "device" ? pair.coordinator : pair.device;
      const received = collect(other, 20);
      for (let index = 1; index <= 20; index += 1) pair[side].send(envelope(index));
      pair[side].close("done");
      assert.equal((await received).length, 20);
    });
  }

  test("[SE4] a close handler registered late is still called", async ({ device }) => {
    device.close("done");
    assert.equal(await whenClosed(device), "done");
  });

  test("[SE4] sending on a closed link does nothing", async ({ device, coordinator }) => {
    coordinator.onEnvelope(() => assert.fail("delivered"));
    const closed = Promise.all([whenClosed(device), whenClosed(coordinator)]);
    device.close("done");
    device.send(envelope(1));
    await closed;
    coordinator.send(envelope(2));
  });
}

/** An envelope told apart by its sequence. */
export function envelope(sequence: number): Envelope {
  return create(EnvelopeSchema, {
    from: "a",
    to: "b",
    epoch: "epoch",
    stream: "control",
    sequence: BigInt(sequence),
    body: { case: "goodbye", value: { session: "s", reason: "r" } },
  });
}

/** The next `count` envelopes; takes the link's handler. */
export function collect(link: Link, count: number): Promise<Envelope[]> {
  return new Promise((resolve, reject) => {
    const received: Envelope[] = [];
    link.onEnvelope((each) => {
      received.push(each);
      if (received.length === count) resolve(received);
    });
    link.onClose((reason) => reject(new Error(`closed after ${received.length} of ${count}: ${reason}`)));
  });
}

export function whenClosed(link: Link): Promise<string> {
  return new Promise((resolve) => link.onClose(resolve));
}

export function withCode(code: string): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof SelvedgeError, String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    return true;
  };
}

/** An envelope of exactly this many encoded bytes. */
function envelopeOfBytes(bytes: number): Envelope {
  // One field of 16,384 to 2,097,151 characters: a tag, three bytes of length.
  return create(EnvelopeSchema, { from: "x".repeat(bytes - 4) });
}

/** Encoded by hand: our own encoder refuses. */
function oversized(): Uint8Array {
  const bytes = limits.envelopeBytesMax + 1;
  const length = bytes - 4;
  return Buffer.concat([
    Buffer.of(0x0a, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14),
    Buffer.alloc(length, "x"),
  ]);
}
