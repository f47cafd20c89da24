import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../digest.ts";
import type { DeviceState, OfferFacts, TrainingResult } from "./device-state.ts";
import {
  type DeviceEffect,
  type DeviceEvent,
  deviceWakeAt,
  stepDevice,
  submissionRetryMs,
} from "./step-device.ts";

const blob = (name: string) => ({ digest: digestOf(Buffer.from(name)), length: 100 });

function offer(round: number, job = "digits"): OfferFacts {
  return {
    job,
    round,
    plan: "",
    planDigest: blob("plan").digest,
    signer: "",
    base: blob(`base ${round}`),
    baseVersion: round - 1,
    config: "{}",
    configDigest: blob("config").digest,
    cohort: 3,
    deadlineAt: 60_000,
  };
}

const result = (name: string): TrainingResult => ({ body: blob(name), weight: 10, metrics: {} });

class Driver {
  state: DeviceState | undefined;
  effects: readonly DeviceEffect[] = [];

  send(event: DeviceEvent): this {
    const { state, effects } = stepDevice(this.state, event);
    this.state = state;
    this.effects = effects;
    return this;
  }

  offered(round: number, job = "digits", refusal: string | null = null): this {
    return this.send({ type: "offered", offer: offer(round, job), refusal });
  }

  trained(round: number, job = "digits"): this {
    return this.send({ type: "trained", job, round, result: result(`update ${job} ${round}`) });
  }

  receipt(
    round: number,
    verdict: "accepted" | "refused" | "roundClosed" | "bodyMissing",
    name = `update digits ${round}`,
  ): this {
    return this.send({ type: "receipt", job: "digits", round, digest: blob(name).digest, verdict });
  }

  types(): string[] {
    return this.effects.map((effect) => effect.type);
  }

  rounds(): number[] {
    return (this.state?.tasks ?? []).map((task) => task.offer.round);
  }
}

test("an offer that is taken is answered and trained; one that is not is declined with the reason", () => {
  assert.deepEqual(new Driver().offered(1).types(), ["reply", "train"]);
  const declined = new Driver().offered(1, "digits", "policy hours: only 22:00 to 06:00");
  assert.deepEqual(declined.effects, [
    {
      type: "reply",
      job: "digits",
      round: 1,
      answer: { kind: "declined", reason: "policy hours: only 22:00 to 06:00" },
    },
  ]);
  assert.deepEqual(declined.rounds(), []);
});

test("[OF4] a repeated offer gets the same answer and starts no second training", () => {
  const driver = new Driver().offered(1).offered(1);
  assert.deepEqual(driver.types(), ["reply"]);
  driver.trained(1).offered(1, "digits", "the owner changed the policy");
  assert.deepEqual(driver.types(), ["reply", "submit"]);
});

test("[OF5] a later round ends unfinished training for an earlier one, and starts its own", () => {
  const driver = new Driver().offered(1).offered(2);
  assert.deepEqual(driver.types(), ["cancelTraining", "discard", "reply", "train"]);
  assert.deepEqual(driver.rounds(), [2]);
});

test("[OF5] a result that is made stays in the outbox when a later round comes", () => {
  const driver = new Driver().offered(1).trained(1).offered(2);
  assert.deepEqual(driver.rounds(), [1, 2]);
});

test("one training at a time: another job waits its turn", () => {
  const driver = new Driver().offered(1).offered(1, "other");
  assert.deepEqual(driver.types(), ["reply"]);
  driver.trained(1);
  assert.ok(driver.types().includes("train"));
});

for (const verdict of ["accepted", "refused", "roundClosed"] as const) {
  test(`[AK1] the receipt "${verdict}" lets go of the result`, () => {
    const driver = new Driver().offered(1).trained(1).receipt(1, verdict);
    assert.deepEqual(driver.rounds(), []);
    assert.ok(driver.types().includes("discard"));
  });
}

test("[AK1] a receipt for other bytes lets go of nothing", () => {
  assert.deepEqual(new Driver().offered(1).trained(1).receipt(1, "accepted", "other").rounds(), [1]);
});

test("[AK1] equal bytes of two jobs are kept until both are let go", () => {
  const driver = new Driver()
    .offered(1)
    .send({ type: "trained", job: "digits", round: 1, result: result("same") });
  driver.offered(1, "other").send({ type: "trained", job: "other", round: 1, result: result("same") });
  driver.receipt(1, "accepted", "same");
  assert.equal(driver.types().includes("discard"), false);
});

test("[SU5] a device that is asked for the body submits again", () => {
  assert.deepEqual(new Driver().offered(1).trained(1).receipt(1, "bodyMissing").types(), ["submit"]);
});

test("[SU7] a result is submitted at each new session, and every 10 s within one", () => {
  const driver = new Driver().offered(1).trained(1);
  assert.deepEqual(driver.types(), ["submit"]);
  driver.send({ type: "submitted", job: "digits", round: 1, bytes: 100, now: 1_000 });
  assert.equal(deviceWakeAt(driver.state ?? assert.fail()), 1_000 + submissionRetryMs);
  assert.deepEqual(driver.send({ type: "tick", now: 1_000 + submissionRetryMs }).types(), ["submit"]);
  assert.deepEqual(driver.send({ type: "connected", coordinator: "epoch" }).types(), ["submit"]);
});

test("[ST7] results for a coordinator of another epoch are let go of, and training for it is ended", () => {
  const driver = new Driver();
  driver.send({ type: "connected", coordinator: "first" });
  driver.offered(1).trained(1).offered(2);
  assert.deepEqual(driver.send({ type: "connected", coordinator: "first" }).types(), ["submit"]);
  assert.deepEqual(driver.send({ type: "connected", coordinator: "restored" }).types(), [
    "cancelTraining",
    "discard",
  ]);
  assert.deepEqual(driver.state?.tasks, []);
  assert.deepEqual(driver.offered(2).types(), ["reply", "train"]);
});

test("what left on one day is added up, and starts anew the next", () => {
  const day = 86_400_000;
  const driver = new Driver().offered(1).trained(1);
  const sent = (now: number) =>
    driver.send({ type: "submitted", job: "digits", round: 1, bytes: 100, now }).state?.sent;
  sent(1_000);
  assert.deepEqual(sent(2_000), { day: 0, bytes: 200 });
  assert.deepEqual(sent(day), { day: 1, bytes: 100 });
});

test("a failed training is reported and leaves nothing", () => {
  const driver = new Driver()
    .offered(1)
    .send({ type: "trainingFailed", job: "digits", round: 1, reason: "no data" });
  assert.deepEqual(driver.effects[0], {
    type: "reply",
    job: "digits",
    round: 1,
    answer: { kind: "failed", reason: "no data" },
  });
  assert.deepEqual(driver.rounds(), []);
});

test("a round that closed stops its training, and a result that comes too late is dropped", () => {
  const driver = new Driver().offered(1).send({ type: "roundClosed", job: "digits", round: 1 });
  assert.deepEqual(driver.types(), ["cancelTraining", "discard"]);
  assert.deepEqual(driver.trained(1).types(), ["discard"]);
});

test("the base goes once nothing trains from it any more", () => {
  const driver = new Driver().offered(1).trained(1);
  assert.deepEqual(driver.send({ type: "roundClosed", job: "digits", round: 1 }).types(), ["discard"]);
  const blobs = driver.effects.flatMap((effect) => (effect.type === "discard" ? effect.blobs : []));
  assert.ok(blobs.includes(blob("base 1").digest));
});
