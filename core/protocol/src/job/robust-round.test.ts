import assert from "node:assert/strict";
import { test } from "node:test";
import { blob, JobDriver } from "./job.fixture.ts";

/** A job whose first round is open with members a, b and c, all of whose updates a rule needs at once. */
function openRound(): JobDriver {
  return new JobDriver({ atOnce: "median" }).open();
}

function foldedAtOnce(driver: JobDriver): string[] {
  return driver.effect("fold")?.contributions.map(({ device }) => device) ?? [];
}

test("[RA1] contributions wait for the close of the round and are then combined in one fold", () => {
  const round = openRound().submit("a");
  assert.equal(round.has("fold"), false);
  round.submit("b");
  assert.equal(round.has("fold"), false);
  round.submit("c");
  assert.deepEqual(foldedAtOnce(round), ["a", "b", "c"]);
  assert.equal(round.state.current?.phase, "folding");
  round.folded("combined");
  assert.deepEqual(round.effect("finalise")?.accumulator, blob("combined"));
  assert.deepEqual(
    round.discarded().sort(),
    ["a", "b", "c"].map((device) => blob(`update of ${device}`).digest).sort(),
  );
});

test("[RA1] a quorum's grace and the deadline close it with those that are there", () => {
  const round = openRound().submit("a").submit("b");
  round.send({ type: "tick", now: 12_000 });
  assert.deepEqual(foldedAtOnce(round), ["a", "b"]);
});

test("[RA1] [RC10] until it closes a device that is excluded takes only its own contribution with it", () => {
  const round = openRound().submit("a").submit("b").exclude("a");
  assert.deepEqual(round.discarded(), [blob("update of a").digest]);
  assert.equal(round.state.current?.number, 1);
  round.submit("c");
  assert.deepEqual(foldedAtOnce(round), ["b", "c"]);
});

test("[RC10] one that is excluded from what is being combined makes the round open again", () => {
  const round = openRound().submit("a").submit("b").submit("c").exclude("a");
  assert.equal(round.state.current, null);
  assert.equal(round.has("openRound"), true);
  assert.deepEqual(
    round.discarded().sort(),
    ["a", "b", "c"].map((device) => blob(`update of ${device}`).digest).sort(),
  );
});

test("[RA1] a round that fails, or whose job is cancelled, keeps none of them", () => {
  const failed = openRound().submit("a").reply("b", { kind: "declined", reason: "" });
  failed.reply("c", { kind: "declined", reason: "" });
  assert.deepEqual(failed.discarded(), [blob("update of a").digest]);
  const cancelled = openRound().submit("a").submit("b").send({ type: "cancelled", now: 3_000 });
  assert.deepEqual(cancelled.discarded(), [blob("update of a").digest, blob("update of b").digest]);
});

test("[RA4] whom the rule left out is said with the round, and counts as a contributor", () => {
  const round = openRound().submit("a").submit("b").submit("c");
  const folded = { type: "folded", round: 1, accumulator: blob("combined"), now: 3_000 } as const;
  round.send({ ...folded, leftOut: ["b"] }).finalised();
  const { members } = round.state.last ?? assert.fail("no round has ended");
  assert.deepEqual(
    Object.entries(members).map(([device, { status, reason }]) => [device, status, reason]),
    [
      ["a", "contributed", null],
      ["b", "contributed", "left out by median"],
      ["c", "contributed", null],
    ],
  );
});
