import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobState } from "@selvedge/protocol";
import { openMemoryStore } from "@selvedge/storage";
import { JobClock } from "./job-clock.ts";

const hour = 3_600_000;

test("[RC9] the time of jobs goes on over restarts with a clock that was set back, however many there are", async () => {
  const { pass, restart, clock } = setUp();
  let jobClock = await restart([running(1_000_000)]);
  await pass(60_000);
  clock.wallMs -= hour;
  await pass(60_000);
  assert.equal(jobClock.now(), 1_120_000);
  for (const restarts of [1, 2, 3]) {
    jobClock.stop();
    await pass(1_000);
    jobClock = await restart([running(1_000_000)]);
    await pass(59_000);
    assert.equal(jobClock.now(), 1_120_000 + restarts * 60_000);
  }
});

test("[RC9] a clock that was set back while nothing ran costs no more than what was not written down", async () => {
  const { clock, restart } = setUp();
  clock.wallMs -= hour;
  assert.equal((await restart([running(1_000_000)])).now(), 1_000_000);
});

test("a clock that was wrong is forgotten when no job runs", async () => {
  const { clock, pass, restart, commits } = setUp();
  clock.wallMs += 100 * hour;
  const first = await restart([]);
  clock.wallMs -= 100 * hour;
  await pass(5_000);
  assert.equal(first.now(), 1_005_000 + 100 * hour);
  first.stop();
  const second = await restart([]);
  assert.equal(second.now(), 1_005_000);
  await pass(60_000);
  assert.equal(commits.length, 2, "it writes when the clock was set, and then no more");
});

function running(createdAt: number): JobState {
  return { status: "running", createdAt, waitingSince: createdAt, current: null, last: null } as JobState;
}

/** A machine whose clock can be set, and the store of its coordinator. */
function setUp() {
  const clock = { wallMs: 1_000_000, monotonicMs: 0 };
  const store = openMemoryStore();
  const commits: unknown[] = [];
  const timers = new Set<{ at: number; run: () => void }>();
  const pass = async (ms: number): Promise<void> => {
    for (const end = clock.monotonicMs + ms; clock.monotonicMs < end; ) {
      clock.monotonicMs += 1_000;
      clock.wallMs += 1_000;
      for (const timer of [...timers]) {
        if (timer.at > clock.monotonicMs) continue;
        timers.delete(timer);
        timer.run();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const restart = async (jobs: readonly JobState[]): Promise<JobClock> => {
    const jobClock = new JobClock({
      store: {
        read: (key) => store.read(key),
        list: (prefix, options) => store.list(prefix, options),
        commit: async (transaction) => {
          commits.push(transaction);
          await store.commit(transaction);
        },
        close: () => store.close(),
      },
      clock: { wall: () => clock.wallMs, monotonic: () => clock.monotonicMs },
      timers: {
        after(ms, run) {
          const timer = { at: clock.monotonicMs + ms, run };
          timers.add(timer);
          return () => timers.delete(timer);
        },
      },
      onTrouble: assert.fail,
    });
    await jobClock.start(jobs);
    return jobClock;
  };
  return { clock, commits, pass, restart };
}
