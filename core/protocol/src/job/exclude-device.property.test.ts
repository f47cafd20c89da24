import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Digest } from "../digest.ts";
import { blob, jobPlan, noFigures, soundSubmission } from "./job.fixture.ts";
import type { JobEffect, JobEvent } from "./job-event.ts";
import type { JobPlan, JobState } from "./job-state.ts";
import { stepJob } from "./step-job.ts";

const devices = ["a", "b", "c", "d"];
const plan: JobPlan = { ...jobPlan, rounds: 3, cohort: 4, graceMs: 100, evaluationDataset: "held-out" };

/** A shell without arithmetic: a sum is the set of who is in it. */
class Shell {
  state: JobState | undefined;
  now = 0;
  readonly pending: JobEffect[] = [];
  readonly excluded = new Set<string>();
  readonly #parts = new Map<Digest, ReadonlySet<string>>();

  send(event: JobEvent): void {
    const before = this.state;
    const { state, effects } = stepJob(before, event);
    this.state = state;
    this.pending.push(...effects);
    if (state.base.version > (before?.base.version ?? 0)) {
      for (const device of this.#parts.get(state.base.weights.digest) ?? []) {
        assert.ok(!this.excluded.has(device), `${device} was excluded, and is in the weights`);
      }
    }
  }

  submit(device: string): void {
    assert.ok(this.state);
    const body = blob(`update of ${device} in ${this.state.current?.number}`);
    const submission = { ...soundSubmission(this.state, device), body };
    this.send({ type: "submitted", submission, now: this.now });
  }

  exclude(device: string): void {
    this.excluded.add(device);
    this.send({ type: "deviceExcluded", device, reason: "revoked", now: this.now });
  }

  /** Performs the effect at this place of the queue: what was decided first need not end first. */
  perform(place: number): void {
    const [effect] = this.pending.splice(place % Math.max(1, this.pending.length), 1);
    const result = effect && this.#resultOf(effect);
    if (result !== undefined) this.send(result);
  }

  #resultOf(effect: JobEffect): JobEvent | undefined {
    const now = this.now;
    if (effect.type === "openRound") {
      const cohort = devices.filter((device) => !this.excluded.has(device));
      return { type: "cohortSelected", round: effect.round, devices: cohort, config: blob("config"), now };
    }
    if (effect.type === "fold") {
      const base = effect.accumulator === null ? [] : (this.#parts.get(effect.accumulator.digest) ?? []);
      const parts = new Set([...base, ...effect.contributions.map(({ device }) => device)]);
      const accumulator = blob(`sum ${effect.round} of ${[...parts].join()}`);
      this.#parts.set(accumulator.digest, parts);
      return { type: "folded", round: effect.round, accumulator, now };
    }
    if (effect.type === "finalise") {
      const { round } = effect;
      const weights = blob(`weights ${round}`);
      this.#parts.set(weights.digest, this.#parts.get(effect.accumulator.digest) ?? new Set());
      return { type: "finalised", round, weights, optimizerState: null, ...noFigures, now };
    }
    if (effect.type === "evaluate") return { type: "evaluated", round: effect.round, metrics: {}, now };
    if (effect.type === "writeModel") return { type: "modelWritten", model: blob("model"), now };
    return undefined;
  }
}

const moves = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ move: fc.constant("perform" as const), place: fc.nat(7) }) },
    {
      weight: 5,
      arbitrary: fc.record({ move: fc.constant("submit" as const), device: fc.constantFrom(...devices) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ move: fc.constant("exclude" as const), device: fc.constantFrom("a", "b") }),
    },
    { weight: 1, arbitrary: fc.record({ move: fc.constant("tick" as const), ms: fc.nat(200) }) },
  ),
  { maxLength: 200 },
);

test("[RC10] whenever a device is excluded, no later weights hold anything of it, and the job goes on to its end", () => {
  fc.assert(
    fc.property(moves, (list) => {
      const shell = new Shell();
      shell.send({ type: "created", plan, weights: blob("base"), now: 0 });
      for (const step of list) {
        if (step.move === "perform") shell.perform(step.place);
        else if (step.move === "submit") shell.submit(step.device);
        else if (step.move === "exclude") shell.exclude(step.device);
        else {
          shell.now += step.ms;
          shell.send({ type: "tick", now: shell.now });
        }
      }
      for (let turn = 0; turn < 100 && shell.state?.endedAt === null; turn += 1) {
        for (const device of devices) shell.submit(device);
        while (shell.pending.length > 0) shell.perform(0);
        shell.now += 50;
        shell.send({ type: "tick", now: shell.now });
      }
      assert.equal(shell.state?.status, "completed", shell.state?.reason ?? "it did not end");
    }),
  );
});
