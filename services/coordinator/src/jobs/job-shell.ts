import { create } from "@bufbuild/protobuf";
import { type DeviceFacts, meetsRequirements, scaleFeatures } from "@selvedge/learning";
import {
  decodeSafetensors,
  parseModel,
  scaleInput,
  serializeModel,
  withoutLoss,
  writeParameters,
} from "@selvedge/onnx";
import {
  type BlobReference,
  type CheckedPlan,
  type Digest,
  decodePlan,
  type EnvelopeBody,
  type JobEffect,
  type JobEvent,
  type JobState,
  ReceiptSchema,
  type ReceiptVerdict,
  RoundClosedSchema,
  SelvedgeError,
  Verdict,
} from "@selvedge/protocol";
import type { BlobKeeper, BlobStore, BlobWorkspace } from "@selvedge/storage";
import type { DeviceSets } from "../identity/device-registry.ts";
import { buildOffer } from "./build-offer.ts";
import type { Evaluator } from "./evaluator.ts";
import type { JobRecords } from "./job-records.ts";
import { readLosses, storeLosses } from "./last-losses.ts";
import type { ModelLayouts } from "./model-layouts.ts";
import { openRound } from "./open-round.ts";
import { finalise, fold, openArithmetic, type RoundArithmetic } from "./round-arithmetic.ts";
import { roundFigures } from "./round-figures.ts";
import { noStrategies, type Strategies } from "./server-step.ts";
import { foldStatistics, readScaling } from "./statistics-round.ts";

export interface JobShellOptions {
  readonly blobs: BlobStore;
  /** Keeps what an effect makes until its result is committed. */
  readonly keeper: BlobKeeper;
  readonly records: JobRecords;
  readonly layouts: ModelLayouts;
  readonly evaluator: Evaluator;
  /** The job's present state; undefined when there is none. */
  stateOf(job: string): JobState | undefined;
  /** Devices that are online, may take part and have this dataset. */
  eligible(dataset: string): readonly string[];
  /** The group and tags of a device, as they are now. */
  setsOf(device: string): DeviceSets;
  /** What a device has, as far as it is known. */
  factsOf(device: string): DeviceFacts;
  /** What the operator has installed; absent: nothing. */
  readonly strategies?: Strategies;
  /** Sends now or not at all; false when the device is not there. */
  send(device: string, body: EnvelopeBody): boolean;
  /** Signs round metadata with the round key. */
  signRound(job: string, round: number, weights: BlobReference, expires: number): Uint8Array;
  /** Unix milliseconds. */
  now(): number;
}

/** Performs what `stepJob` asks for. Everything here may run more than once. */
export class JobShell {
  readonly #options: JobShellOptions;

  constructor(options: JobShellOptions) {
    this.#options = options;
  }

  /** @param key the effect's own: what is made under it is kept until its result is committed. */
  async perform(job: string, effect: JobEffect, key: string): Promise<JobEvent | undefined> {
    const { keeper, records, evaluator, now, setsOf } = this.#options;
    const blobs = keeper.workspace(key);
    switch (effect.type) {
      case "openRound":
        return this.#openRound(job, effect, blobs);
      case "offer":
        return this.#offer(job, effect.round, effect.device);
      case "receipt":
        return this.#receipt(job, effect);
      case "roundClosed":
        return this.#roundClosed(job, effect);
      case "jobEnded":
        return this.#jobEnded(job, effect);
      case "fold":
        return {
          type: "folded",
          round: effect.round,
          ...(await this.#fold(job, effect, blobs)),
          now: now(),
        };
      case "finalise": {
        const arithmetic = await this.arithmetic(job, effect.config);
        return {
          type: "finalised",
          round: effect.round,
          ...(await finalise(effect, arithmetic, blobs)),
          ...(await storeLosses(effect, await this.#plan(job), blobs)),
          ...roundFigures(effect, setsOf),
          now: now(),
        };
      }
      case "combine":
        return { type: "combined", round: effect.round, ...roundFigures(effect, setsOf), now: now() };
      case "evaluate": {
        const { weights, dataset, statistics } = effect;
        const plan = await this.#plan(job);
        const scaling = await readScaling(plan, statistics, blobs);
        const metrics = await evaluator.evaluate({ plan, weights, dataset, scaling });
        return { type: "evaluated", round: effect.round, metrics, now: now() };
      }
      case "writeModel":
        return {
          type: "modelWritten",
          model: await this.#writeModel(job, effect, blobs),
          now: now(),
        };
      case "archiveRound":
        await records.archiveRound(job, effect.summary);
        return undefined;
      case "discard":
        await keeper.discard(effect.blobs);
        return undefined;
    }
  }

  /** What a failed effect becomes: trouble around us is waited out, anything else ends the job and says why. */
  failed(effect: JobEffect, error: SelvedgeError): JobEvent | "retry" {
    if (error.culprit === "environment") return "retry";
    // A round that is yet to open is not the open one.
    const round = "round" in effect && effect.type !== "openRound" ? effect.round : null;
    return {
      type: "effectFailed",
      round,
      what: effect.type,
      reason: error.message,
      now: this.#options.now(),
    };
  }

  async #openRound(
    job: string,
    effect: Extract<JobEffect, { type: "openRound" }>,
    blobs: BlobWorkspace,
  ): Promise<JobEvent> {
    const { factsOf, layouts, now } = this.#options;
    const plan = await this.#plan(job);
    const shared = await layouts.ofShared(plan);
    const { requires } = plan.plan.schedule?.selection ?? {};
    const devices = this.#options
      .eligible(plan.plan.dataset?.name ?? "")
      .filter((device) => meetsRequirements(requires, factsOf(device)));
    const losses = await readLosses(effect.losses, blobs);
    const scaling = await readScaling(plan, effect.statistics, blobs);
    return openRound({ effect, plan, shared, scaling, eligible: devices, losses, now: now() }, blobs);
  }

  async #fold(
    job: string,
    effect: Extract<JobEffect, { type: "fold" }>,
    blobs: BlobWorkspace,
  ): ReturnType<typeof fold> {
    if (effect.kind !== "statistics") return fold(effect, await this.arithmetic(job, effect.config), blobs);
    return { accumulator: await foldStatistics(effect, await this.#plan(job), blobs) };
  }

  async #offer(job: string, number: number, device: string): Promise<undefined> {
    const { blobs, records, send, signRound } = this.#options;
    const state = this.#state(job);
    const round = state.current;
    if (round === null || round.number !== number) return undefined;
    const signature = await records.readSignature(job);
    if (signature === undefined) throw new SelvedgeError("internal", `job ${job} has no plan signature`);
    const roundMetadata = signRound(job, number, state.base.weights, round.deadlineAt);
    const parts = { job, state, round, signature, roundMetadata };
    send(device, { case: "offer", value: await buildOffer(parts, blobs) });
    return undefined;
  }

  #receipt(job: string, effect: Extract<JobEffect, { type: "receipt" }>): undefined {
    const { round, digest, verdict, reason } = effect;
    const value = create(ReceiptSchema, { job, round, digest, verdict: verdicts[verdict], reason });
    this.#options.send(effect.device, { case: "receipt", value });
  }

  /** A result of a job that nobody here knows must not be sent for ever (SPEC AK4). */
  refuseUnknown(device: string, job: string, round: number, digest: Digest): void {
    this.#receipt(job, { type: "receipt", device, round, digest, verdict: "refused", reason: "no such job" });
  }

  #roundClosed(job: string, effect: Extract<JobEffect, { type: "roundClosed" }>): undefined {
    const value = create(RoundClosedSchema, { job, round: effect.round, reason: effect.reason });
    this.#options.send(effect.device, { case: "roundClosed", value });
  }

  /** Who is not there now lets go of what it keeps by itself, in its owner's time. */
  async #jobEnded(
    job: string,
    { round, reason }: Extract<JobEffect, { type: "jobEnded" }>,
  ): Promise<undefined> {
    const { eligible, send } = this.#options;
    const { plan } = await this.#plan(job);
    const value = create(RoundClosedSchema, { job, round, reason, jobEnded: true });
    for (const device of eligible(plan.dataset?.name ?? "")) send(device, { case: "roundClosed", value });
  }

  /**
   * The file that the job came with, but for its parameters. A model whose columns are scaled
   * does that itself: it takes them as they are in the data (SPEC DS7). One with a loss of its own
   * is without it (SPEC RE12).
   */
  async #writeModel(
    job: string,
    { weights, statistics }: Extract<JobEffect, { type: "writeModel" }>,
    blobs: BlobWorkspace,
  ): Promise<BlobReference> {
    const { layouts } = this.#options;
    const plan = await this.#plan(job);
    const layout = await layouts.of(plan.model);
    const flat = decodeSafetensors(await blobs.get(weights.digest), layout);
    const trained = writeParameters(await blobs.get(plan.model.digest), layout, flat);
    const scaling = await readScaling(plan, statistics, blobs);
    const { customLossOutput: loss } = plan.train;
    if (loss === "" && (scaling === null || plan.table === null)) return blobs.put(trained);
    const parsed = parseModel(trained);
    const model = loss === "" ? parsed : withoutLoss(parsed, loss);
    if (scaling === null || plan.table === null) return blobs.put(serializeModel(model));
    return blobs.put(serializeModel(scaleInput(model, scaleFeatures(plan.table, scaling))));
  }

  /** How the updates of a round with this configuration are read and put together. */
  async arithmetic(job: string, config: BlobReference): Promise<RoundArithmetic> {
    const { blobs, layouts, strategies = noStrategies } = this.#options;
    const plan = await this.#plan(job);
    const given = { model: await layouts.of(plan.model), shared: await layouts.ofShared(plan) };
    return openArithmetic(plan, config, this.#state(job).base.version, given, blobs, strategies);
  }

  async #plan(job: string): Promise<CheckedPlan> {
    return decodePlan(await this.#options.blobs.get(this.#state(job).plan.body.digest));
  }

  #state(job: string): JobState {
    const state = this.#options.stateOf(job);
    if (state === undefined) throw new SelvedgeError("internal", `no job ${job}`);
    return state;
  }
}

/** Every blob a job's state names. */
export function blobsOf(state: JobState): string[] {
  const round = state.current;
  const references = [
    state.plan.body,
    state.plan.model,
    state.base.weights,
    state.optimizerState,
    state.losses ?? null,
    state.model,
    state.statistics ?? null,
    ...(state.checkpoints ?? []).map(({ weights }) => weights),
  ];
  if (round !== null) {
    const { weights = null, optimizerState = null, losses = null } = round.outcome ?? {};
    references.push(round.config, round.control ?? null, round.accumulator, weights, optimizerState, losses);
    references.push(...[...round.queue, ...round.folding].map((contribution) => contribution.body));
  }
  return references.flatMap((reference) => reference?.digest ?? []);
}

const verdicts: Readonly<Record<ReceiptVerdict, Verdict>> = {
  accepted: Verdict.ACCEPTED,
  refused: Verdict.REFUSED,
  roundClosed: Verdict.ROUND_CLOSED,
  bodyMissing: Verdict.BODY_MISSING,
};
