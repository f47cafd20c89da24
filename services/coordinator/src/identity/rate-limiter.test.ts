import assert from "node:assert/strict";
import { test } from "node:test";
import { networkOf, RateLimiter, type RateLimits } from "./rate-limiter.ts";

const limits: RateLimits = {
  perAddress: { burst: 2, perSecond: 1 },
  total: { burst: 5, perSecond: 2 },
  addressesMax: 100,
};

function open(overrides: Partial<RateLimits> = {}) {
  const clock = { nowMs: 0 };
  return { clock, limiter: new RateLimiter({ ...limits, ...overrides }, () => clock.nowMs) };
}

test("[OR6] an address has a burst, then a steady rate, and is told how long to wait", () => {
  const { clock, limiter } = open();
  assert.deepEqual(
    [1, 2, 3].map(() => limiter.take("192.0.2.1")),
    [0, 0, 1_000],
  );
  clock.nowMs = 600;
  assert.equal(limiter.take("192.0.2.1"), 400);
  clock.nowMs = 1_000;
  assert.deepEqual(
    [1, 2].map(() => limiter.take("192.0.2.1")),
    [0, 1_000],
  );
  clock.nowMs = 1_000_000;
  assert.deepEqual(
    [1, 2, 3].map(() => limiter.take("192.0.2.1")),
    [0, 0, 1_000],
  );
});

test("[OR6] one address does not use up another's share, and all together have a limit", () => {
  const { clock, limiter } = open();
  for (const address of ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3"]) {
    assert.equal(limiter.take(address), 0);
  }
  assert.equal(limiter.take("192.0.2.4"), 500);
  clock.nowMs = 500;
  assert.equal(limiter.take("192.0.2.4"), 0, "who was refused for others' sake used nothing up");
});

test("[OR6] addresses that are remembered have a bound, and quiet ones are forgotten first", () => {
  const total = { burst: 1_000_000, perSecond: 1_000_000 };
  const { clock, limiter } = open({ total });
  for (let index = 0; index < 5_000; index += 1) limiter.take(`10.0.${index >> 8}.${index & 255}`);
  assert.equal(limiter.size, 100);
  clock.nowMs = 10_000;
  limiter.take("192.0.2.1");
  assert.equal(limiter.size, 1);
});

test("a clock that is set back gives nothing and takes nothing", () => {
  const { clock, limiter } = open();
  clock.nowMs = 10_000;
  limiter.take("192.0.2.1");
  limiter.take("192.0.2.1");
  clock.nowMs = -50_000;
  assert.equal(limiter.take("192.0.2.1"), 1_000);
  clock.nowMs = -49_000;
  assert.equal(limiter.take("192.0.2.1"), 0);
});

test("[OR6] an IPv6 customer, who has a /64, is one address", () => {
  const same = ["2001:db8::1", "2001:db8:0:0:ffff::2", "2001:0db8:0000:0000:1:2:3:4", "2001:DB8::5%eth0"];
  assert.deepEqual(new Set(same.map(networkOf)), new Set(["2001:db8:0:0::/64"]));
  assert.notEqual(networkOf("2001:db8:0:1::1"), networkOf("2001:db8::1"));
  assert.deepEqual(["::1", "::ffff:192.0.2.1", "192.0.2.1", ""].map(networkOf), [
    "0:0:0:0::/64",
    "192.0.2.1",
    "192.0.2.1",
    "",
  ]);
});
