import { create } from "@bufbuild/protobuf";
import {
  type BlobReference,
  type CheckedPlan,
  type DeviceEffect,
  type DeviceEvent,
  type DeviceState,
  decodePlan,
  type EnvelopeBody,
  type KeptState,
  keptFor,
  limits,
  type NextKept,
  type OfferAnswer,
  type OfferFacts,
  OfferReplySchema,
  SeededRandom,
  SelvedgeError,
  type TrainingResult,
  traitsOf,
} from "@selvedge/protocol";
import type { BlobKeeper, BlobStore } from "@selvedge/storage";
import type { BlobChannel } from "@selvedge/transport";
import type { AuditEntry, KeptEntry } from "../audit-log.ts";
import { fetchBlob } from "./fetch-blob.ts";
import { type Answer, type MadeKept, makeAnswer } from "./make-answer.ts";
import { submissionBody } from "./submission-body.ts";
import type { Trainer } from "./trainer.ts";

export interface TaskName {
  readonly job: string;
  readonly round: number;
}

export interface DeviceShellOptions {
  readonly deviceId: string;
  readonly blobs: BlobStore;
  /** Keeps what training makes until that is committed. */
  readonly keeper: BlobKeeper;
  readonly channel: BlobChannel;
  readonly trainer: Trainer;
  readonly audit: { append(entry: AuditEntry): Promise<void> };
  /** The device's present state. */
  state(): DeviceState;
  /** Whether a session is up. */
  connected(): boolean;
  /** Sends now or not at all: what matters is sent again until it is answered. */
  send(body: EnvelopeBody): void;
  now(): number;
  /** How long the owner lets this device keep what a training leaves for the next, ms. */
  keepForMs(): Promise<number>;
  /** @param about - the task it is about, for logs. */
  onTrouble(what: string, error: SelvedgeError, about?: TaskName): void;
}

/** Performs what `stepDevice` asks for. Everything here may run more than once. */
export class DeviceShell {
  readonly #options: DeviceShellOptions;
  readonly #training = new Map<string, AbortController>();

  constructor(options: DeviceShellOptions) {
    this.#options = options;
  }

  /** @param key the effect's own: what is made under it is kept until its result is committed. */
  async perform(effect: DeviceEffect, key: string): Promise<DeviceEvent | undefined> {
    switch (effect.type) {
      case "reply":
        this.#reply(effect.job, effect.round, effect.answer);
        return undefined;
      case "train":
        return this.#train(effect.offer, key);
      case "cancelTraining":
        this.#training.get(taskKey(effect.job, effect.round))?.abort();
        return undefined;
      case "submit":
        return this.#submit(effect.offer, effect.result);
      case "discard":
        // A coordinator may name whatever it likes as a base: what is installed, or another task needs, stays.
        await this.#options.keeper.discard(effect.blobs);
        return undefined;
    }
  }

  /** What a failed effect becomes: a lost link is waited out, a failed training is reported. */
  failed(effect: DeviceEffect, error: SelvedgeError): DeviceEvent | "retry" {
    // The task submits again by its own timer, and only while it is there (SPEC SU7).
    if (effect.type === "submit") return this.#submitted(effect.offer, 0);
    if (effect.type !== "train") return "retry";
    if (error.culprit === "environment" && error.code !== "cancelled") return "retry";
    return {
      type: "trainingFailed",
      job: effect.offer.job,
      round: effect.offer.round,
      reason: error.message,
    };
  }

  /** Kills a training that is under way; its effect stays in the journal and starts again after a restart. */
  stop(): void {
    for (const training of this.#training.values()) training.abort();
  }

  #reply(job: string, round: number, answer: OfferAnswer): void {
    const value = create(OfferReplySchema, {
      job,
      round,
      answer:
        answer.kind === "accepted"
          ? { case: "accepted", value: {} }
          : { case: answer.kind, value: { reason: answer.reason.slice(0, limits.reasonLengthMax) } },
    });
    this.#options.send({ case: "offerReply", value });
  }

  async #train(offer: OfferFacts, holder: string): Promise<DeviceEvent | undefined> {
    const task = this.#options
      .state()
      .tasks.find(({ offer: { job, round } }) => job === offer.job && round === offer.round);
    // It was called off while it waited for another attempt.
    if (task?.phase !== "training") return undefined;
    const abort = new AbortController();
    const key = taskKey(offer.job, offer.round);
    this.#training.set(key, abort);
    try {
      const plan = decodePlan(Buffer.from(offer.plan, "base64"));
      const made = await this.#answer(plan, offer, holder, abort.signal);
      const { bytes, kept, ...answer } = made;
      const body = await this.#options.keeper.put(holder, bytes);
      const result: TrainingResult = {
        ...{ body, ...answer },
        ...(kept && { kept: await this.#keep(kept, holder) }),
      };
      return { type: "trained", job: offer.job, round: offer.round, result };
    } finally {
      this.#training.delete(key);
    }
  }

  async #answer(plan: CheckedPlan, offer: OfferFacts, holder: string, signal: AbortSignal): Promise<Answer> {
    const { deviceId, now, trainer } = this.#options;
    const hasModel = offer.kind !== "statistics";
    if (hasModel)
      await this.#fetch([plan.model, offer.base, ...(offer.control ? [offer.control] : [])], signal);
    const kept = hasModel ? await this.#kept(offer, holder) : undefined;
    const timeLeftMs = offer.deadlineAt - now();
    // The same numbers when the work is done again (SPEC RE2).
    const random = SeededRandom.fromSeed("answer", plan.plan.seed, offer.job, offer.round, deviceId);
    return makeAnswer({ plan, offer, kept, timeLeftMs }, trainer, random, signal);
  }

  async #fetch(blobs: readonly BlobReference[], signal: AbortSignal): Promise<void> {
    const { blobs: store, channel, keeper } = this.#options;
    for (const needed of blobs) {
      await keeper.turn(needed.digest, () => fetchBlob(needed, store, channel, signal));
    }
  }

  /** What was kept for the job; a state that was lost or damaged is as none, and its owner is told (SPEC CS3). */
  async #kept({ job, round }: OfferFacts, holder: string): Promise<KeptState | undefined> {
    const { blobs, keeper, onTrouble, state } = this.#options;
    const kept = keptFor(state(), job);
    if (kept === undefined) return undefined;
    // Until the training is over it stays, whatever becomes of its job meanwhile.
    await keeper.hold(holder, kept.body.digest);
    try {
      await blobs.get(kept.body.digest);
      return kept;
    } catch (thrown) {
      const error = SelvedgeError.from(thrown);
      if (error.code !== "not_found" && error.code !== "corrupt") throw error;
      onTrouble("kept state, begun anew", error, { job, round });
      return undefined;
    }
  }

  async #keep({ bytes, ...when }: MadeKept, holder: string): Promise<NextKept> {
    const { keepForMs, keeper, now } = this.#options;
    const body = await keeper.put(holder, bytes);
    return { body, ...when, expiresAt: now() + (await keepForMs()) };
  }

  /** The audit line comes first, then the bytes, then the word that they are there. */
  async #submit(offer: OfferFacts, result: TrainingResult): Promise<DeviceEvent | undefined> {
    const { audit, blobs, channel, connected, deviceId, now, send, state } = this.#options;
    if (!connected()) return undefined;
    await audit.append({
      ...auditEntry(offer, result, now()),
      ...(offer.kind === "statistics" && { statistics: await this.#payload(result) }),
    });
    const read = (start: number, end: number): AsyncIterable<Uint8Array> =>
      blobs.stream(result.body.digest, start, end);
    try {
      // Metrics travel in the submission itself (SPEC EV2).
      if (offer.kind !== "evaluate")
        await channel.upload(result.body, read, AbortSignal.timeout(uploadTimeoutMs));
    } catch (thrown) {
      const { code, culprit } = SelvedgeError.from(thrown);
      // A lost link is not an error: the retry timer and the next session try again.
      if (culprit === "environment") return this.#submitted(offer, result.body.length);
      // Who has counted it already takes no body any more: its receipt has the last word (SPEC AK3).
      if (code !== "permission_denied") throw thrown;
    }
    // It may have been let go of meanwhile, for a coordinator that knows nothing of it.
    const waits = state().tasks.some((task) => task.result?.body.digest === result.body.digest);
    if (!waits) return undefined;
    send(submissionBody(deviceId, offer, result));
    return this.#submitted(offer, result.body.length);
  }

  /** Statistics are a few numbers: the owner reads in the audit log what left. */
  async #payload({ body }: TrainingResult): Promise<unknown> {
    return JSON.parse(Buffer.from(await this.#options.blobs.get(body.digest)).toString("utf8"));
  }

  #submitted({ job, round }: OfferFacts, bytes: number): DeviceEvent {
    return { type: "submitted", job, round, bytes, now: this.#options.now() };
  }
}

function auditEntry(offer: OfferFacts, result: TrainingResult, now: number): AuditEntry {
  return {
    time: new Date(now).toISOString(),
    kind: offer.kind === "evaluate" ? "evaluation" : (offer.kind ?? "update"),
    job: offer.job,
    round: offer.round,
    planDigest: offer.planDigest,
    signer: offer.signer,
    digest: result.body.digest,
    bytes: result.body.length,
    examples: result.weight,
    metrics: result.metrics,
    ...(result.bits && { bits: result.bits }),
    ...(result.kept && { kept: keptEntry(offer, result.kept) }),
  };
}

/** What stayed: the owner sees beside each update what is not in it. */
function keptEntry({ plan }: OfferFacts, { body }: NextKept): KeptEntry {
  const { train } = decodePlan(Buffer.from(plan, "base64"));
  const { algorithm, keepOptimizerState, personal, personalModel } = train;
  return {
    ...{ digest: body.digest, bytes: body.length, personal, model: personalModel?.kind === "ditto" },
    ...{ optimizerState: keepOptimizerState, correction: traitsOf(algorithm).keeps },
  };
}

function taskKey(job: string, round: number): string {
  return `${job}/${round}`;
}

const uploadTimeoutMs = 600_000;
