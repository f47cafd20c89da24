import assert from "node:assert/strict";
import { test } from "node:test";
import { SteadyClock } from "./steady-clock.ts";

function setUp() {
  const source = { wallMs: 1_000_000, monotonicMs: 5 };
  const clock = new SteadyClock({ wall: () => source.wallMs, monotonic: () => source.monotonicMs });
  const pass = (ms: number, wallMs = ms): void => {
    source.monotonicMs += ms;
    source.wallMs += wallMs;
  };
  return { clock, pass };
}

test("a clock that is set back goes on at the pace of time, until the machine's has caught up", () => {
  const { clock, pass } = setUp();
  pass(10, -3_600_000);
  assert.equal(clock.now(), 1_000_010);
  pass(60_000);
  assert.equal(clock.now(), 1_060_010);
  pass(0, 3_600_000);
  assert.equal(clock.now(), 1_060_010);
});

test("a clock that is set forward is followed at once, and not back again", () => {
  const { clock, pass } = setUp();
  pass(10, 86_400_000);
  assert.equal(clock.now(), 87_400_000);
  pass(10, -86_400_000);
  assert.equal(clock.now(), 87_400_010);
});

test("it is never earlier than what was written down before a restart", () => {
  const { clock, pass } = setUp();
  clock.raise(2_000_000);
  clock.raise(1_500_000);
  pass(1.5);
  assert.equal(clock.now(), 2_000_001);
});
