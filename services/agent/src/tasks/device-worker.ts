import type { KeyObject } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type DatasetWish, datasetWish } from "@selvedge/datasets";
import {
  type BlobReference,
  type DeviceEffect,
  type DeviceEvent,
  type DeviceState,
  deviceWakeAt,
  emptyDevice,
  limits,
  matchPolicy,
  type Offer,
  OfferReplySchema,
  type Policy,
  type Receipt,
  type ReceiptVerdict,
  type RoundClosed,
  SelvedgeError,
  stepDevice,
  tellTargets,
  Verdict,
} from "@selvedge/protocol";
import { EntityRunner, type JournalHooks, type Store, untilStored } from "@selvedge/storage";
import { type VerifiedOffer, verifyOffer } from "../offers/verify-offer.ts";
import { DeviceShell, type DeviceShellOptions, type TaskName } from "./device-shell.ts";

export interface DeviceWorkerOptions extends Omit<DeviceShellOptions, "state"> {
  readonly store: Store;
  readonly operatorKeys: readonly KeyObject[];
  /** Why this device's data is not what a plan asks for; null when it is. */
  datasetProblem(wish: DatasetWish): Promise<string | null>;
  /** The owner's policy as it is now: an edit counts from the next offer on. */
  policy(): Promise<Policy>;
  /** Throws `untrusted` unless the round key vouches for the base; may fetch metadata first. */
  verifyBase(metadata: Uint8Array, round: { job: string; round: number; base: BlobReference }): Promise<void>;
  /** Minutes since local midnight. */
  minuteOfDay(): number;
  /** Sets or clears the alarm that calls `tick`. */
  setAlarm(at: number | undefined): void;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** What the coordinator says of a result, before it changes anything. */
  onReceipt?(task: TaskName, verdict: ReceiptVerdict): void;
  onHalt(error: unknown): void;
  readonly hooks?: JournalHooks<DeviceEffect>;
}

/** The one entity of a device's journal. */
const entity = "device";
const dayMs = 86_400_000;

/** A device's work for jobs: what the coordinator says becomes events, what the step asks for is performed. */
export class DeviceWorker {
  readonly #options: DeviceWorkerOptions;
  readonly #runner: EntityRunner<DeviceState, DeviceEvent, DeviceEffect>;
  readonly #shell: DeviceShell;
  readonly #stopping = new AbortController();
  #sessions = 0;

  constructor(options: DeviceWorkerOptions) {
    this.#options = options;
    this.#shell = new DeviceShell({
      ...options,
      state: () => this.state,
    });
    this.#runner = new EntityRunner({
      store: options.store,
      kind: "task",
      step: stepDevice,
      perform: (_id, effect, key) => this.#shell.perform(effect, key),
      onPerformed: (key) => options.keeper.release(key),
      onError: (_id, effect, thrown) => this.#failed(effect, SelvedgeError.from(thrown)),
      retryDelay: (attempt) => Math.min(1_000 * 2 ** (attempt - 1), 60_000),
      sleep: options.sleep,
      onHalt: options.onHalt,
      ...(options.hooks === undefined ? {} : { hooks: options.hooks }),
    });
    this.#runner.subscribe((_id, state) => options.setAlarm(state && deviceWakeAt(state)));
  }

  /** Calls `listener` with the state whenever it has changed, durably. */
  subscribe(listener: (state: DeviceState) => void): void {
    this.#runner.subscribe((_id, state) => listener(state ?? emptyDevice));
  }

  get state(): DeviceState {
    return this.#runner.get(entity) ?? emptyDevice;
  }

  /**
   * Loads what was left and goes on with it.
   *
   * @param prepare runs in between: the state can be read, and nothing is under way yet.
   */
  async start(prepare?: () => Promise<void>): Promise<void> {
    await this.#runner.start(prepare);
    this.#options.setAlarm(deviceWakeAt(this.state));
  }

  /** Kills a training under way; it starts again after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const stopped = this.#runner.stop();
    this.#shell.stop();
    await stopped;
  }

  /** Resolves when nothing is left to do but wait. */
  async idle(): Promise<void> {
    await this.#runner.idle();
  }

  /** Judges an offer; whatever is wrong with it, the coordinator is told why. */
  async offer(offer: Offer): Promise<void> {
    try {
      const verified = verifyOffer(offer, this.#options.operatorKeys);
      const { job, round, base } = verified.facts;
      await this.#options.verifyBase(offer.roundMetadata, { job, round, base });
      const refusal = await this.#refusalOf(verified);
      // The owner sees in the agent's log what the operator sees in the job.
      if (refusal !== null) {
        const declined = new SelvedgeError("permission_denied", refusal);
        this.#options.onTrouble("offer", declined, { job, round });
      }
      await this.#dispatch({ type: "offered", offer: verified.facts, refusal });
    } catch (thrown) {
      const error = SelvedgeError.from(thrown);
      // Without a link to fetch metadata by there is nothing to decide: the offer comes again.
      if (error.culprit !== "environment") this.#decline(offer, error);
    }
  }

  async receipt({ job, round, digest, verdict }: Receipt): Promise<void> {
    const known = verdicts[verdict];
    if (known === undefined) return;
    this.#options.onReceipt?.({ job, round }, known);
    await this.#dispatch({ type: "receipt", job, round, digest, verdict: known });
  }

  async roundClosed({ job, round, jobEnded }: RoundClosed): Promise<void> {
    await this.#dispatch({ type: "roundClosed", job, round, jobEnded });
  }

  /** A session is up, with a coordinator of this epoch: what waits in the outbox is sent, once the disk allows it. */
  async connected(coordinator: string): Promise<void> {
    const { connected, onTrouble, sleep } = this.#options;
    this.#sessions += 1;
    const session = this.#sessions;
    await untilStored(() => this.#dispatch({ type: "connected", coordinator }), {
      isWanted: () => connected() && session === this.#sessions,
      sleep,
      signal: this.#stopping.signal,
      onTrouble: (error) => onTrouble("outbox", error),
    });
  }

  async tick(): Promise<void> {
    await this.#dispatch({ type: "tick", now: this.#options.now() });
  }

  async #refusalOf({ facts, plan }: VerifiedOffer): Promise<string | null> {
    const { datasetProblem, minuteOfDay, now, policy } = this.#options;
    const problem = await datasetProblem(datasetWish(plan));
    if (problem !== null) return problem;
    return matchPolicy(await policy(), facts, this.state, {
      minuteOfDay: minuteOfDay(),
      day: Math.floor(now() / dayMs),
      maxExamplesPerDevice: plan.train.maxExamplesPerDevice,
      classCounts: tellTargets(plan.metrics),
    });
  }

  #decline(offer: Offer, error: SelvedgeError): void {
    const { job, round } = offer;
    this.#options.onTrouble("offer", error, { job, round });
    const reason = error.message.slice(0, limits.reasonLengthMax);
    const value = create(OfferReplySchema, {
      job: offer.job,
      round: offer.round,
      answer: { case: "declined", value: { reason } },
    });
    this.#options.send({ case: "offerReply", value });
  }

  #failed(effect: DeviceEffect, error: SelvedgeError): DeviceEvent | "retry" {
    this.#options.onTrouble(effect.type, error, taskOf(effect));
    return this.#shell.failed(effect, error);
  }

  async #dispatch(event: DeviceEvent): Promise<void> {
    await this.#runner.dispatch(entity, event);
  }
}

function taskOf(effect: DeviceEffect): TaskName | undefined {
  if (effect.type === "discard") return undefined;
  const { job, round } = "offer" in effect ? effect.offer : effect;
  return { job, round };
}

const verdicts: Readonly<Partial<Record<Verdict, ReceiptVerdict>>> = {
  [Verdict.ACCEPTED]: "accepted",
  [Verdict.REFUSED]: "refused",
  [Verdict.ROUND_CLOSED]: "roundClosed",
  [Verdict.BODY_MISSING]: "bodyMissing",
};
