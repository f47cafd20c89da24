import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createChallenges } from "./challenges.ts";

const refused = { code: "failed_precondition" };

test("[EN5] a nonce is good for a minute and for one use", () => {
  let nowMs = 1_000_000;
  const challenges = createChallenges(() => nowMs);
  const nonce = challenges.issue();
  const late = challenges.issue();
  assert.equal(nonce.length, 32);
  assert.notDeepEqual(nonce, late);
  nowMs += 60_000;
  challenges.consume(nonce);
  assert.throws(() => challenges.check(nonce), refused);
  assert.throws(() => challenges.consume(nonce), refused);
  nowMs += 1;
  assert.throws(() => challenges.consume(late), { ...refused, message: /older than a minute/ });
});

test("[EN5] a nonce from elsewhere, another process or the future is refused", () => {
  let nowMs = 1_000_000;
  const challenges = createChallenges(() => nowMs);
  assert.throws(() => challenges.check(createChallenges(() => nowMs).issue()), refused);
  const nonce = challenges.issue();
  nowMs -= 1;
  assert.throws(() => challenges.check(nonce), refused);
  nowMs += 1;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(31), (bytes, at) => {
      assert.throws(() => challenges.check(bytes), refused);
      const changed = Uint8Array.from(nonce, (byte, index) => (index === at ? byte ^ 1 : byte));
      assert.throws(() => challenges.check(changed), refused);
    }),
  );
});

test("only used nonces are remembered, for a minute, and only so many", () => {
  let nowMs = 1_000_000;
  const challenges = createChallenges(() => nowMs);
  for (let count = 0; count < 10_000; count++) challenges.consume(challenges.issue());
  assert.throws(() => challenges.consume(challenges.issue()), { code: "resource_exhausted" });
  nowMs += 60_001;
  challenges.consume(challenges.issue());
});
