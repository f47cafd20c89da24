import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type DeviceEvent,
  type DeviceState,
  digestOf,
  type OfferFacts,
  stepDevice,
  type TrainingResult,
} from "@selvedge/protocol";
import { TaskLog } from "./task-log.ts";

const blob = (name: string) => ({ digest: digestOf(Buffer.from(name)), length: 100 });

function offer(round: number): OfferFacts {
  return {
    job: "digits-1",
    round,
    plan: "c2VjcmV0",
    planDigest: blob("plan").digest,
    signer: "ed25519:00",
    base: blob(`base ${round}`),
    baseVersion: round - 1,
    config: "{}",
    configDigest: blob("config").digest,
    cohort: 3,
    deadlineAt: 60_000,
  };
}

const result: TrainingResult = { body: blob("update"), weight: 40, metrics: { train_loss: 0.25 } };

/** A device whose log is kept. */
class LoggedDevice {
  state: DeviceState | undefined;
  now = 0;
  readonly lines: [message: string, fields: object][] = [];
  readonly log: TaskLog = new TaskLog({
    now: () => this.now,
    log: {
      info: (fields, message) => void this.lines.push([message, fields]),
      warn: (fields, message) => void this.lines.push([`warn ${message}`, fields]),
    },
  });

  send(...events: DeviceEvent[]): this {
    for (const event of events) {
      if (event.type === "receipt") this.log.receipt(event.job, event.round, event.verdict);
      this.state = stepDevice(this.state, event).state;
      this.log.changed(this.state);
    }
    return this;
  }

  messages(): string[] {
    return this.lines.splice(0).map(([message]) => message);
  }
}

const task = { job: "digits-1", round: 1 };
const offered: DeviceEvent = { type: "offered", offer: offer(1), refusal: null };
const trained: DeviceEvent = { type: "trained", ...task, result };
const submitted: DeviceEvent = { type: "submitted", ...task, bytes: 100, now: 5_000 };
const { digest } = result.body;

test("the log follows a task from its offer to its receipt", () => {
  const device = new LoggedDevice();
  device.send(offered);
  device.now = 1_250.4;
  device.send(trained, submitted, { type: "receipt", ...task, digest, verdict: "accepted" });
  assert.deepEqual(device.lines, [
    ["offer accepted", { ...task, plan: blob("plan").digest, signer: "ed25519:00", cohort: 3 }],
    ["training started", task],
    ["training finished", { ...task, ms: 1_250, examples: 40, bytes: 100 }],
    ["result submitted", { ...task, bytes: 100 }],
    ["receipt", { ...task, verdict: "accepted" }],
  ]);
});

test("the log tells a refused result, a round that closed, and a training that was called off", () => {
  const device = new LoggedDevice();
  device.send(offered, trained);
  device.messages();
  device.send({ type: "receipt", ...task, digest, verdict: "refused" });
  assert.deepEqual(device.messages(), ["warn receipt"]);

  device.send(offered, trained);
  device.messages();
  device.send({ type: "roundClosed", ...task });
  assert.deepEqual(device.messages(), ["result let go: the round closed without it"]);

  device.send(offered);
  device.messages();
  device.send({ type: "roundClosed", ...task });
  assert.deepEqual(device.messages(), ["training ended without a result"]);
});

test("an attempt to submit that failed is no submission, and a receipt for nothing is no news", () => {
  const device = new LoggedDevice();
  device.send(offered, trained);
  device.messages();
  device.send({ ...submitted, bytes: 0 });
  assert.deepEqual(device.messages(), []);
  device.log.receipt("other", 1, "accepted");
  assert.deepEqual(device.messages(), []);
});

test("after a restart only the training that begins anew is news", () => {
  const before = new LoggedDevice().send(offered);
  const device = new LoggedDevice();
  device.state = before.state;
  if (before.state !== undefined) device.log.start(before.state);
  assert.deepEqual(device.messages(), ["training started"]);
  device.send(trained);
  assert.deepEqual(device.messages(), ["training finished"]);
});
