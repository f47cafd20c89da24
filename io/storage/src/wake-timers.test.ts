import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { WakeTimers } from "./wake-timers.ts";

/** Alarms under a clock of their own, which may disagree with the timers. */
function setUp(t: { after(clean: () => void): void }) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const clock = { now: 0 };
  const wanted: { at: number | undefined } = { at: undefined };
  const woken: number[] = [];
  const timers = new WakeTimers({
    now: () => clock.now,
    async wake() {
      woken.push(clock.now);
    },
    onError: assert.fail,
    wakeAt: () => wanted.at,
  });
  t.after(() => {
    timers.stop();
    mock.timers.reset();
  });
  const pass = async (ms: number, clockMs = ms): Promise<void> => {
    clock.now += clockMs;
    mock.timers.tick(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { timers, wanted, woken, pass };
}

test("an alarm that rings before its time waits for the rest", async (t) => {
  const { timers, wanted, woken, pass } = setUp(t);
  wanted.at = 1_000;
  timers.set("job", wanted.at);
  await pass(1_000, 999);
  assert.deepEqual(woken, []);
  await pass(1);
  assert.deepEqual(woken, [1_000]);
});

test("an alarm whose work left the time as it was rings again after a second", async (t) => {
  const { timers, wanted, woken, pass } = setUp(t);
  wanted.at = 1_000;
  timers.set("job", wanted.at);
  await pass(1_000);
  await pass(999);
  assert.deepEqual(woken, [1_000]);
  await pass(1);
  assert.deepEqual(woken, [1_000, 2_000]);
});

test("a later time replaces an earlier one, no time clears it, and a time beyond what timers can wait is kept", async (t) => {
  const { timers, wanted, woken, pass } = setUp(t);
  wanted.at = 1_000;
  timers.set("job", wanted.at);
  wanted.at = undefined;
  timers.set("job", wanted.at);
  await pass(2_000);
  assert.deepEqual(woken, []);
  wanted.at = 3_000_000_000;
  timers.set("job", wanted.at);
  await pass(2_147_483_647);
  assert.deepEqual(woken, []);
  wanted.at = undefined;
  await pass(3_000_000_000 - 2_147_485_647);
  assert.deepEqual(woken, [3_000_000_000]);
});
