import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { frameMessage, MessageFrames } from "./message-frames.ts";

const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });

test("messages come out as they went in, however they are cut on their way", () => {
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (all, sizes) => {
      const bytes = Buffer.concat(all.map(frameMessage));
      const frames = new MessageFrames(40);
      const out: number[][] = [];
      for (let start = 0, turn = 0; start < bytes.length; turn++) {
        const end = start + (sizes[turn % sizes.length] ?? 1);
        frames.push(bytes.subarray(start, end));
        start = end;
        for (let next = frames.next(); next !== undefined; next = frames.next()) out.push([...next]);
      }
      assert.deepEqual(
        out,
        all.map((message) => [...message]),
      );
      assert.ok(frames.empty);
    }),
  );
});

test("[SV16] a message too large is refused by its length alone, and a compressed one by its flag", () => {
  const large = new MessageFrames(40);
  large.push(frameMessage(new Uint8Array(41)).subarray(0, 5));
  assert.throws(() => large.next(), {
    code: "too_large",
    message: "a message has 41 bytes, at most 40 are taken",
  });
  const compressed = new MessageFrames(40);
  compressed.push(Uint8Array.of(1, 0, 0, 0, 0));
  assert.throws(() => compressed.next(), { code: "invalid_argument" });
});
