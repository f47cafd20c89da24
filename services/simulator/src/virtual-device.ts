import {
  type Answer,
  type BlobPaths,
  makeAnswer,
  submissionBody,
  type Trainer,
  verifyOffer,
} from "@selvedge/agent";
import {
  type BlobReference,
  type CheckedPlan,
  type DeviceEffect,
  type DeviceEvent,
  type DeviceState,
  type Digest,
  digestOf,
  keptFor,
  keptOf,
  type Offer,
  type OfferFacts,
  type ReceiptVerdict,
  SeededRandom,
  SelvedgeError,
  type Submission,
  stepDevice,
  type TrainingResult,
} from "@selvedge/protocol";
import type { BlobFolder } from "./blob-folder.ts";

/** What came of an offer: a result to hand in, or why there is none. */
export type VirtualAnswer =
  | {
      readonly kind: "result";
      readonly submission: Submission;
      readonly bytes: Uint8Array;
      /** Of `bytes`. */
      readonly digest: Digest;
    }
  | { readonly kind: "declined" | "failed"; readonly reason: string };

/**
 * One client of a simulation: a device's own state machine, from an offer to its receipt, without
 * journal, outbox and link, which nothing can befall here.
 */
export class VirtualDevice {
  readonly id: string;
  readonly #kept: BlobFolder;
  #state: DeviceState;
  #offer: OfferFacts | undefined;
  readonly #spent: Digest[] = [];

  /** @param kept where it keeps what stays with it */
  constructor(id: string, state: DeviceState, kept: BlobFolder) {
    this.id = id;
    this.#state = state;
    this.#kept = kept;
  }

  get state(): DeviceState {
    return this.#state;
  }

  /** What it has let go of. */
  get spent(): readonly Digest[] {
    return this.#spent;
  }

  /** Where its own blobs lie, and those of all. */
  pathsBeside(shared: BlobFolder): BlobPaths {
    const own = new Set(keptOf(this.#state).map(({ body }) => body.digest));
    return { pathOf: (digest) => (own.has(digest) ? this.#kept : shared).pathOf(digest) };
  }

  /** @throws SelvedgeError when the offer is not sound, or what is to be kept cannot be stored */
  async answer(offer: Offer, trainer: Trainer, signal: AbortSignal): Promise<VirtualAnswer> {
    const { facts, plan } = verifyOffer(offer, []);
    this.#offer = facts;
    const { job, round } = facts;
    const effects = this.#step({ type: "offered", offer: facts, refusal: null });
    if (!effects.some((effect) => effect.type === "train")) {
      throw new SelvedgeError("internal", `client ${this.id} does not take up round ${round}`);
    }
    try {
      const answer = await this.#make(plan, facts, trainer, signal);
      const result = await this.#resultOf(answer);
      this.#step({ type: "trained", job, round, result });
      const { value } = submissionBody(this.id, facts, result);
      return { kind: "result", submission: value, bytes: answer.bytes, digest: result.body.digest };
    } catch (thrown) {
      const error = SelvedgeError.from(thrown);
      if (error.culprit === "environment") throw error;
      this.#step({ type: "trainingFailed", job, round, reason: error.message });
      return { kind: "failed", reason: error.message };
    }
  }

  /** What the coordinator says of the result. */
  receipt(digest: string, verdict: ReceiptVerdict): void {
    if (this.#offer === undefined) return;
    const { job, round } = this.#offer;
    this.#step({ type: "receipt", job, round, digest, verdict });
  }

  #make(plan: CheckedPlan, offer: OfferFacts, trainer: Trainer, signal: AbortSignal): Promise<Answer> {
    const kept = offer.kind === "statistics" ? undefined : keptFor(this.#state, offer.job);
    const random = SeededRandom.fromSeed("client", plan.plan.seed, offer.round, this.id);
    return makeAnswer({ plan, offer, kept }, trainer, random, signal);
  }

  async #resultOf({ bytes, kept, ...answer }: Answer): Promise<TrainingResult> {
    const result = { ...answer, body: referenceOf(bytes) };
    if (kept === undefined) return result;
    const { bytes: keptBytes, ...when } = kept;
    const keptBody = referenceOf(keptBytes);
    await this.#kept.put(keptBody.digest, keptBytes);
    return { ...result, kept: { body: keptBody, ...when, expiresAt: Number.MAX_SAFE_INTEGER } };
  }

  #step(event: DeviceEvent): readonly DeviceEffect[] {
    const { state, effects } = stepDevice(this.#state, event);
    this.#state = state;
    this.#spent.push(...effects.flatMap((effect) => (effect.type === "discard" ? effect.blobs : [])));
    return effects;
  }
}

function referenceOf(bytes: Uint8Array): BlobReference {
  return { digest: digestOf(bytes), length: bytes.length };
}
