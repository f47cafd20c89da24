import assert from "node:assert/strict";
import { test } from "node:test";
import { blob, JobDriver } from "./job.fixture.ts";
import { checkpointsOf } from "./job-origin.ts";

function kept({ state }: JobDriver): number[] {
  return checkpointsOf(state).map(({ round }) => round);
}

test("[WS2] weights stay that were to be kept, and the last; all others go with the round after theirs", () => {
  const job = new JobDriver({ rounds: 5, cohort: 2, keepEvery: 2 });
  assert.deepEqual(kept(job), []);
  const gone: string[] = [];
  for (let round = 1; round <= 5; round += 1) {
    job.open(["a", "b"]).submit("a").submit("b").settle();
    gone.push(...job.discarded());
    assert.deepEqual(kept(job), [...[2, 4].filter((one) => one < round), round]);
  }
  const digest = (round: number) => blob(`weights ${round}`).digest;
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((round) => gone.includes(digest(round))),
    [true, false, true, false, false],
  );
  assert.deepEqual(checkpointsOf(job.state).at(0), { round: 2, weights: blob("weights 2") });
});

test("[WS2] a failed round uses up its number, and makes no weights to keep", () => {
  const job = new JobDriver({ rounds: 3, cohort: 2, keepEvery: 1 });
  job.open(["a", "b"]).reply("a", { kind: "failed", reason: "no" });
  job.send({ type: "tick", now: 12_000 }).open(["a", "b"], 12_000).submit("a").submit("b").settle();
  assert.deepEqual(kept(job), [2]);
  job.send({ type: "cancelled", now: 30_000 });
  assert.deepEqual(kept(job), [2]);
});
