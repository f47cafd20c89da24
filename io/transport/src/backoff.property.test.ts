import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { backoffMs, defaultBackoff } from "./backoff.ts";

const attempts = fc.integer({ min: 1, max: 10_000 });
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("[SE13] a wait lies between 0 and a bound that doubles from 1 s to 5 min", () => {
  fc.assert(
    fc.property(attempts, randoms, (attempt, random) => {
      const ms = backoffMs(attempt, random);
      assert.ok(Number.isInteger(ms) && ms >= 0 && ms < Math.min(1_000 * 2 ** (attempt - 1), 300_000));
    }),
  );
});

test("[SE13] a wait the other side asked for is the least, up to the largest bound", () => {
  fc.assert(
    fc.property(
      attempts,
      randoms,
      fc.integer({ min: 1, max: 10_000_000 }),
      (attempt, random, retryAfterMs) => {
        const ms = backoffMs(attempt, random, defaultBackoff, retryAfterMs);
        assert.ok(ms >= Math.min(retryAfterMs, 300_000) && ms <= 600_000);
      },
    ),
  );
});
