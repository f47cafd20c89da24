import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../digest.ts";
import type { DeviceState, OfferFacts } from "./device-state.ts";
import { keptFor } from "./kept-states.ts";
import { type DeviceEffect, type DeviceEvent, deviceWakeAt, stepDevice } from "./step-device.ts";

const blob = (name: string) => ({ digest: digestOf(Buffer.from(name)), length: 100 });

function offer(job: string, round: number): OfferFacts {
  return {
    ...{ job, round, plan: "", planDigest: blob("plan").digest, signer: "", config: "{}", cohort: 2 },
    ...{ base: blob(`base ${round}`), baseVersion: round - 1, deadlineAt: 60_000, keptBytes: 100 },
    configDigest: blob("config").digest,
  };
}

class Keeper {
  state: DeviceState | undefined;
  effects: readonly DeviceEffect[] = [];

  send(event: DeviceEvent): this {
    const { state, effects } = stepDevice(this.state, event);
    [this.state, this.effects] = [state, effects];
    return this;
  }

  offered(round: number, job = "digits"): this {
    return this.send({ type: "offered", offer: offer(job, round), refusal: null });
  }

  trained(round: number, job = "digits", expiresAt = 1_000, ifCounted = false): this {
    const kept = { body: blob(`kept ${job} ${round}`), since: round - 1, expiresAt, ifCounted };
    const body = blob(`update ${job} ${round}`);
    return this.send({ type: "trained", job, round, result: { body, weight: 1, metrics: {}, kept } });
  }

  answered(round: number, verdict: "accepted" | "refused" | "roundClosed", job = "digits"): this {
    const { digest } = blob(`update ${job} ${round}`);
    return this.send({ type: "receipt", job, round, digest, verdict });
  }

  keptRound(job = "digits"): number | undefined {
    return keptFor(this.state ?? assert.fail(), job)?.round;
  }

  ended(round: number): this {
    return this.send({ type: "roundClosed", job: "digits", round, jobEnded: true });
  }

  cancelled(): string[] {
    return this.effects.flatMap((effect) =>
      effect.type === "cancelTraining" ? `${effect.job} ${effect.round}` : [],
    );
  }

  /** What it has just begun to train. */
  training(): string[] {
    return this.effects.flatMap((effect) =>
      effect.type === "train" ? `${effect.offer.job} ${effect.offer.round}` : [],
    );
  }

  discarded(): string[] {
    return this.effects.flatMap((effect) => (effect.type === "discard" ? effect.blobs : []));
  }
}

test("[CS1] what a training leaves is kept in the commit of its result, in place of what was there", () => {
  const keeper = new Keeper().offered(1);
  assert.equal(keeper.keptRound(), undefined);
  assert.equal(keeper.trained(1).keptRound(), 1);
  keeper.answered(1, "accepted").offered(2);
  assert.equal(keeper.keptRound(), 1);
  keeper.trained(2);
  assert.equal(keeper.keptRound(), 2);
  assert.deepEqual(keeper.discarded(), [blob("kept digits 1").digest]);
});

test("[CS1] a training that is told of twice, or came too late, changes nothing", () => {
  const keeper = new Keeper().offered(1).trained(1).offered(2).trained(2);
  assert.equal(keeper.trained(1).keptRound(), 2);
  keeper.offered(3).send({ type: "roundClosed", job: "digits", round: 3 });
  keeper.trained(3);
  assert.equal(keeper.keptRound(), 2);
  assert.ok(keeper.discarded().includes(blob("kept digits 3").digest));
});

test("[CS1] an offer that was on its way when its round's result got its receipt starts no second training", () => {
  const keeper = new Keeper().offered(1).trained(1).answered(1, "accepted").offered(1);
  assert.deepEqual([keeper.training(), keeper.keptRound()], [[], 1]);
  assert.deepEqual(keeper.offered(2).training(), ["digits 2"]);
});

test("[CS1] it stays whatever the coordinator says of the update", () => {
  for (const verdict of ["accepted", "refused", "roundClosed"] as const) {
    const keeper = new Keeper().offered(1).trained(1).answered(1, verdict);
    assert.equal(keeper.keptRound(), 1);
    assert.equal(keeper.discarded().includes(blob("kept digits 1").digest), false);
  }
});

test("[CS6] what has to stay in step with the server takes effect once its update has counted", () => {
  const inStep = (keeper: Keeper, round: number) =>
    keeper.offered(round).trained(round, "digits", 1_000, true);
  const keeper = inStep(new Keeper(), 1);
  assert.equal(keeper.keptRound(), undefined);
  assert.equal(keeper.answered(1, "accepted").keptRound(), 1);
  for (const [round, verdict] of [
    [2, "refused"],
    [3, "roundClosed"],
  ] as const) {
    inStep(keeper, round).answered(round, verdict);
    assert.equal(keeper.keptRound(), 1);
    assert.ok(keeper.discarded().includes(blob(`kept digits ${round}`).digest));
  }
  inStep(keeper, 4).answered(4, "accepted");
  assert.equal(keeper.keptRound(), 4);
  assert.ok(keeper.discarded().includes(blob("kept digits 1").digest));
  assert.equal(keeper.discarded().includes(blob("kept digits 4").digest), false);
});

test("[CS6] training waits for the verdict on what it goes on from, and no other job's does", () => {
  for (const [verdict, kept] of [
    ["accepted", 1],
    ["roundClosed", undefined],
  ] as const) {
    const keeper = new Keeper().offered(1).trained(1, "digits", 1_000, true).offered(2);
    assert.deepEqual(keeper.training(), []);
    keeper.offered(1, "other");
    assert.deepEqual(keeper.training(), ["other 1"]);
    keeper.trained(1, "other").answered(1, verdict);
    assert.deepEqual(keeper.training(), ["digits 2"]);
    assert.equal(keeper.keptRound(), kept);
  }
});

test("[CS4] it goes when the job has ended, and what is kept for others stays", () => {
  const keeper = new Keeper().offered(1).trained(1).answered(1, "accepted");
  keeper.offered(1, "other").trained(1, "other").answered(1, "accepted", "other");
  keeper.ended(1);
  assert.deepEqual([keeper.keptRound(), keeper.keptRound("other")], [undefined, 1]);
  assert.deepEqual(keeper.discarded(), [blob("kept digits 1").digest]);
});

test("[CS4] a training of an earlier round that runs when the job ends is cancelled, and leaves nothing", () => {
  const keeper = new Keeper().offered(1).trained(1).answered(1, "accepted").offered(2);
  keeper.offered(1, "other").ended(3);
  assert.deepEqual([keeper.cancelled(), keeper.training()], [["digits 2"], ["other 1"]]);
  keeper.trained(2);
  assert.equal(keeper.keptRound(), undefined);
  assert.ok(keeper.discarded().includes(blob("kept digits 2").digest));
});

test("[CS4] no training of an earlier round begins in the place of one that its job's end cancels", () => {
  const keeper = new Keeper().offered(2).offered(1).ended(2);
  assert.deepEqual([keeper.cancelled(), keeper.training()], [["digits 2"], []]);
  assert.deepEqual(keeper.state?.tasks, []);
});

test("[CS4] a result that awaits its receipt when the job ends is still sent, and leaves nothing", () => {
  for (const ifCounted of [true, false]) {
    const keeper = new Keeper().offered(1).trained(1, "digits", 1_000, ifCounted).ended(2);
    assert.deepEqual(keeper.discarded(), [blob("kept digits 1").digest]);
    keeper.send({ type: "connected", coordinator: "the same" });
    assert.deepEqual(
      keeper.effects.map(({ type }) => type),
      ["submit"],
    );
    assert.equal(keeper.answered(1, "accepted").keptRound(), undefined);
    assert.deepEqual(keeper.state?.tasks, []);
  }
});

test("[CS4] it goes once its time is over, but not while a task of the job may need it", () => {
  const keeper = new Keeper().offered(1).trained(1).answered(1, "accepted");
  assert.equal(deviceWakeAt(keeper.state ?? assert.fail()), 1_000);
  keeper.offered(2).send({ type: "tick", now: 2_000 });
  assert.equal(keeper.keptRound(), 1);
  assert.equal(deviceWakeAt(keeper.state ?? assert.fail()), undefined);
  keeper.send({ type: "roundClosed", job: "digits", round: 2 }).send({ type: "tick", now: 999 });
  assert.equal(keeper.keptRound(), 1);
  keeper.send({ type: "tick", now: 1_000 });
  assert.equal(keeper.keptRound(), undefined);
  assert.deepEqual(keeper.discarded(), [blob("kept digits 1").digest]);
});

test("[CS4] what was kept for a coordinator of another epoch goes", () => {
  const keeper = new Keeper().send({ type: "connected", coordinator: "first" }).offered(1).trained(1);
  keeper.send({ type: "connected", coordinator: "restored" });
  assert.equal(keeper.keptRound(), undefined);
  assert.ok(keeper.discarded().includes(blob("kept digits 1").digest));
});
