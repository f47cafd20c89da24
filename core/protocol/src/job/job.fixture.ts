import assert from "node:assert/strict";
import { type BlobReference, digestOf } from "../digest.ts";
import type { JobEffect, JobEvent, SubmissionFacts } from "./job-event.ts";
import type { JobPlan, JobState, RoundFigures } from "./job-state.ts";
import { stepJob } from "./step-job.ts";

export function blob(name: string): BlobReference {
  return { digest: digestOf(Buffer.from(name)), length: 100 };
}

/** Of devices that reported nothing. */
export const noFigures: RoundFigures = { federated: {}, breakdown: { spread: {}, groups: [] } };

/** A plan of two rounds that are not evaluated, with three devices each. */
export const jobPlan: JobPlan = {
  name: "digits",
  digest: digestOf(Buffer.from("plan")),
  body: blob("plan"),
  model: blob("model"),
  signer: `ed25519:${"0".repeat(64)}`,
  rounds: 2,
  cohort: 3,
  quorum: 2,
  deadlineMs: 60_000,
  graceMs: 10_000,
  targetAccuracy: 0,
  maxExamplesPerDevice: 100,
  evaluationDataset: null,
};

/** What a device of the open round, or else of the last one, submits when all is well. */
export function soundSubmission(state: JobState, device: string): SubmissionFacts {
  return {
    device,
    round: roundOf(state),
    format: formatOf(state),
    contributors: [device],
    baseVersion: state.base.version,
    weight: 10,
    planDigest: jobPlan.digest,
    configDigest: blob("config").digest,
    body: blob(`update of ${device}`),
    metrics: { train_loss: 1 },
    problem: null,
  };
}

/** Drives a job by hand: keeps the state, and the effects of the last event. */
export class JobDriver {
  state: JobState;
  effects: readonly JobEffect[];

  constructor(changes: Partial<JobPlan> = {}) {
    const plan = { ...jobPlan, ...changes };
    const step = stepJob(undefined, { type: "created", plan, weights: blob("base"), now: 0 });
    this.state = step.state;
    this.effects = step.effects;
  }

  send(event: JobEvent): this {
    const { state, effects } = stepJob(this.state, event);
    this.state = state;
    this.effects = effects;
    return this;
  }

  open(devices: readonly string[] = ["a", "b", "c"], now = 1_000): this {
    const round = this.state.nextRound;
    return this.send({ type: "cohortSelected", round, devices, config: blob("config"), now });
  }

  submit(device: string, changes: Partial<SubmissionFacts> = {}, now = 2_000): this {
    const submission = { ...soundSubmission(this.state, device), ...changes };
    return this.send({ type: "submitted", submission, now });
  }

  reply(device: string, answer: Extract<JobEvent, { type: "replied" }>["answer"], now = 1_500): this {
    return this.send({ type: "replied", device, round: roundOf(this.state), answer, now });
  }

  folded(name: string, now = 3_000): this {
    return this.send({ type: "folded", round: roundOf(this.state), accumulator: blob(name), now });
  }

  /** With weights that are named by their round. */
  finalised(optimizerState: BlobReference | null = null, now = 20_000): this {
    const round = roundOf(this.state);
    const weights = blob(`weights ${round}`);
    return this.send({ type: "finalised", round, weights, optimizerState, ...noFigures, now });
  }

  /** Answers the folds and the finalisation of a round that has closed. */
  settle(): this {
    for (let turn = 0; turn < 10 && this.state.current?.phase === "folding"; turn += 1) {
      this.folded(`sum ${roundOf(this.state)} ${turn}`, 20_000);
    }
    return this.finalised();
  }

  exclude(device: string): this {
    return this.send({ type: "deviceExcluded", device, reason: "it was revoked: stolen", now: 4_000 });
  }

  /** The first one of this type. */
  effect<Type extends JobEffect["type"]>(type: Type): Extract<JobEffect, { type: Type }> | undefined {
    return this.effects.find((effect): effect is Extract<JobEffect, { type: Type }> => effect.type === type);
  }

  has(type: JobEffect["type"]): boolean {
    return this.effect(type) !== undefined;
  }

  verdict(): string {
    const receipts = this.effects.filter((effect) => effect.type === "receipt");
    assert.equal(receipts.length, 1, "exactly one receipt for a submission");
    return receipts[0]?.verdict ?? "";
  }

  discarded(): string[] {
    return this.effects.flatMap((effect) => (effect.type === "discard" ? effect.blobs : []));
  }
}

function formatOf({ current }: JobState): string {
  if (current?.kind === undefined) return "f32";
  return current.kind === "evaluate" ? "evaluation" : current.kind;
}

function roundOf({ current, nextRound }: JobState): number {
  return current?.number ?? nextRound - 1;
}
