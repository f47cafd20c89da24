import assert from "node:assert/strict";
import { test } from "node:test";
import { blob, JobDriver } from "./job.fixture.ts";

/** A job whose first round is open with members a, b and c. */
function openRound(): JobDriver {
  return new JobDriver({ evaluationDataset: "held-out" }).open();
}

/** The first attempt is over, and a cohort is asked for at once, for the same weights. */
function assertOpenedAgain({ effects, state }: JobDriver): void {
  const { current, failuresInARow, base, last, optimizerState } = state;
  assert.equal(current, null);
  assert.deepEqual([failuresInARow, base.version, base.weights], [0, 0, blob("base")]);
  assert.equal(optimizerState, null);
  assert.match(last?.reason ?? "", /^opened again without a: it was revoked: stolen$/);
  assert.deepEqual(
    effects.filter(({ type }) => type === "openRound"),
    [{ type: "openRound", round: 2, waitingSince: 4_000 }],
  );
}

test("[RC10] a contribution that was not folded yet is dropped, and the round goes on", () => {
  const round = openRound().submit("b").submit("a");
  round.exclude("a");
  assert.deepEqual(round.discarded(), [blob("update of a").digest]);
  assert.equal(round.state.current?.members.a?.status, "excluded");
  assert.deepEqual(round.state.current?.metrics, { b: { train_loss: 1 } });
  round.folded("sum of b").submit("c");
  const fold = round.effect("fold");
  assert.deepEqual(
    fold?.contributions.map(({ device }) => device),
    ["c"],
  );
  round.folded("sum of b and c");
  const finalise = round.effect("finalise");
  assert.deepEqual(Object.keys(finalise?.weights ?? {}), ["b", "c"]);
  assert.deepEqual(Object.keys(finalise?.metrics ?? {}), ["b", "c"]);
});

test("[RC10] one in a fold under way makes the round open again, and the fold comes to nothing", () => {
  const round = openRound().submit("a").exclude("a");
  assertOpenedAgain(round);
  assert.deepEqual(round.discarded(), [blob("update of a").digest]);
  assert.deepEqual(round.folded("sum of a").discarded(), [blob("sum of a").digest]);
});

test("[RC10] one that was folded makes the round open again, without its sum", () => {
  const round = openRound().submit("a").folded("sum of a").submit("b").exclude("a");
  assertOpenedAgain(round);
  assert.deepEqual(round.discarded().sort(), [blob("sum of a").digest, blob("update of b").digest].sort());
  const told = round.effects.filter((effect) => effect.type === "roundClosed");
  assert.deepEqual(
    told.map(({ device, reason }) => [device, reason]),
    [["c", "the round is opened again"]],
    "others are not told whose fault it is",
  );
});

test("[RC10] so does one whose round is being finalised or evaluated", () => {
  const closed = () =>
    openRound().submit("a").folded("sum").submit("b").submit("c").folded("most").folded("all");
  assert.equal(closed().state.current?.phase, "finalising");
  const finalising = closed().exclude("a");
  assertOpenedAgain(finalising);
  const late = finalising.finalised(blob("moments 1")).discarded();
  assert.deepEqual(late, [blob("weights 1").digest, blob("moments 1").digest]);

  const evaluating = closed().finalised(blob("moments 1"), 5_000);
  assert.equal(evaluating.state.current?.phase, "evaluating");
  assertOpenedAgain(evaluating.exclude("a"));
  for (const name of ["weights 1", "moments 1", "all"]) {
    assert.ok(evaluating.discarded().includes(blob(name).digest), name);
  }
  evaluating.send({ type: "evaluated", round: 1, metrics: {}, now: 6_000 });
  assert.equal(evaluating.state.base.version, 0);
});

test("[RC10] a round that had closed with a quorum and now lacks it opens again", () => {
  const round = openRound().submit("b").submit("a");
  round.send({ type: "tick", now: 20_000 });
  assert.equal(round.state.current?.phase, "folding");
  assertOpenedAgain(round.exclude("a"));
  assert.ok(round.discarded().includes(blob("update of a").digest));
});

test("[RC10] while it collects, a round that lost its quorum waits for it anew", () => {
  const round = openRound().submit("b").submit("a").exclude("a");
  assert.equal(round.state.current?.quorumAt, null);
  round.send({ type: "tick", now: 20_000 });
  assert.equal(round.state.current?.phase, "collecting");
  const without = openRound().exclude("a").exclude("b");
  assert.equal(without.state.last?.status, "failed", "a quorum that cannot be reached is a failed round");
  assert.equal(without.state.failuresInARow, 1);
  assert.match(without.state.last?.reason ?? "", /it was revoked: stolen/);
  const told = without.effects.filter((effect) => effect.type === "roundClosed");
  assert.deepEqual(
    told.map(({ device, reason }) => [device, reason]),
    [["c", "quorum cannot be reached: 0 of 2 contributed"]],
  );
});

test("[RC10] an excluded device stays out of its round, whatever it sends or answers then", () => {
  const round = openRound().exclude("a");
  round.submit("a");
  const [receipt] = round.effects;
  assert.ok(receipt?.type === "receipt" && receipt.verdict === "refused");
  assert.equal(receipt.reason, "this device was excluded from the round: it was revoked: stolen");
  round.reply("a", { kind: "accepted" }, 5_000);
  assert.equal(round.state.current?.members.a?.status, "excluded");
  round.send({ type: "deviceOnline", device: "a" });
  assert.deepEqual(round.effects, []);
  const before = round.state;
  assert.equal(round.exclude("a").state, before, "told again, nothing changes");
  assert.equal(round.exclude("stranger").state, before);
});
