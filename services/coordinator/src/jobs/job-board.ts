import type { KeyObject } from "node:crypto";
import {
  blobReferenceOf,
  type CheckedPlan,
  type Digest,
  decodePlan,
  dependsOnBody,
  type JobEffect,
  type JobEvent,
  type JobPlan,
  type JobState,
  jobWakeAt,
  limits,
  namePattern,
  type OperatorSignature,
  rawPublicKey,
  SelvedgeError,
  type Submission,
  type SubmissionFacts,
  scaledTable,
  stepJob,
  verifyPlan,
} from "@selvedge/protocol";
import {
  type BlobKeeper,
  type BlobStore,
  EntityRunner,
  type JournalHooks,
  KeyedQueue,
  type Store,
} from "@selvedge/storage";
import { problemWith } from "./check-body.ts";
import { checkEvaluation, checkModel } from "./check-request.ts";
import type { JobRecords } from "./job-records.ts";
import { blobsOf, JobShell, type JobShellOptions } from "./job-shell.ts";
import type { ModelLayouts } from "./model-layouts.ts";
import { PendingUploads } from "./pending-uploads.ts";
import { problemWithStatistics } from "./statistics-round.ts";

export interface JobBoardOptions extends Omit<JobShellOptions, "stateOf"> {
  readonly store: Store;
  /** Operators whose plans run here. */
  operatorKeys(): readonly KeyObject[];
  /** Names of the coordinator's own datasets. */
  readonly evaluationDatasets: ReadonlySet<string>;
  /** Plans whose training takes more memory on a device are refused, bytes. */
  readonly memoryBytesMax: number;
  /** Why a device is to have no part in any round; undefined = it may. */
  barredWhy(device: string): string | undefined;
  /** Sets or clears the alarm that calls `tick`. */
  setAlarm(job: string, at: number | undefined): void;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  onTrouble(job: string, what: string, error: SelvedgeError): void;
  onHalt(error: unknown): void;
  readonly hooks?: JournalHooks<JobEffect>;
}

export interface JobRequest {
  readonly job: string;
  readonly plan: Uint8Array;
  readonly signature: OperatorSignature;
  /** null = rounds are not evaluated by the coordinator. */
  readonly evaluationDataset: string | null;
}

/** All jobs of a coordinator: what operators and devices say becomes events, what steps ask for is performed. */
export class JobBoard {
  readonly #options: JobBoardOptions;
  readonly #runner: EntityRunner<JobState, JobEvent, JobEffect>;
  readonly #shell: JobShell;
  readonly #blobs: BlobStore;
  readonly #keeper: BlobKeeper;
  readonly #records: JobRecords;
  readonly #layouts: ModelLayouts;
  readonly #uploads = new PendingUploads();
  /** Requests of one job id take turns, so that the signature beside a job is that of its plan. */
  readonly #requests = new KeyedQueue();
  /** Resolved once what was barred while we were away is out of every open round. */
  readonly #isSettled = Promise.withResolvers<void>();

  constructor(options: JobBoardOptions) {
    this.#options = options;
    this.#blobs = options.blobs;
    this.#keeper = options.keeper;
    this.#records = options.records;
    this.#layouts = options.layouts;
    this.#shell = new JobShell({
      ...options,
      stateOf: (job) => this.#runner.get(job),
    });
    this.#runner = new EntityRunner({
      store: options.store,
      kind: "job",
      step: stepJob,
      perform: async (job, effect, key) => {
        await this.#isSettled.promise;
        return this.#shell.perform(job, effect, key);
      },
      onPerformed: (key) => options.keeper.release(key),
      onError: (job, effect, thrown) => this.#failed(job, effect, SelvedgeError.from(thrown)),
      retryDelay: (attempt) => Math.min(1_000 * 2 ** (attempt - 1), 60_000),
      sleep: options.sleep,
      onHalt: options.onHalt,
      ...(options.hooks === undefined ? {} : { hooks: options.hooks }),
    });
    this.#runner.subscribe((job, state) => this.#onState(job, state));
  }

  /**
   * Loads all jobs and goes on with what was left.
   *
   * @param prepare runs in between: jobs can be read, and nothing is under way yet.
   */
  async start(prepare?: () => Promise<void>): Promise<void> {
    await this.#runner.start(prepare);
    const jobs = [...this.#runner.all()];
    for (const [job, state] of jobs) this.#options.setAlarm(job, jobWakeAt(state));
    await Promise.all(jobs.map(([job, state]) => this.#excludeBarred(job, state)));
    this.#isSettled.resolve();
  }

  async stop(): Promise<void> {
    await this.#runner.stop();
  }

  /** Resolves when nothing is left to do but wait. */
  async idle(): Promise<void> {
    await this.#runner.idle();
  }

  get(job: string): JobState | undefined {
    return this.#runner.get(job);
  }

  all(): Iterable<[string, JobState]> {
    return this.#runner.all();
  }

  subscribe(listener: (job: string, state: JobState | undefined) => void): () => void {
    return this.#runner.subscribe(listener);
  }

  /**
   * Starts a job; the same request again starts nothing and gives the same job.
   *
   * @throws SelvedgeError `invalid_argument`, `untrusted` (signature), `not_found`
   *   (model not uploaded, unknown dataset), `already_exists` (the id is another plan's).
   */
  async run(request: JobRequest): Promise<JobState> {
    const { job } = request;
    if (!namePattern.test(job))
      throw new SelvedgeError("invalid_argument", `"${job.slice(0, 80)}" is not a job id`);
    const plan = decodePlan(request.plan);
    const signer = verifyPlan(request.plan, request.signature, this.#options.operatorKeys());
    const signature = { ...request.signature, publicKey: rawPublicKey(signer) };
    return this.#requests.run(job, () => this.#start({ ...request, signature }, plan));
  }

  /** @throws SelvedgeError `not_found`. */
  async cancel(job: string): Promise<JobState> {
    this.#require(job);
    await this.#dispatch(job, { type: "cancelled", now: this.#options.now() });
    return this.#require(job);
  }

  async tick(job: string): Promise<void> {
    await this.#dispatch(job, { type: "tick", now: this.#options.now() });
  }

  /** When a job next wants a `tick`; undefined = not until something happens. */
  wakeAt(job: string): number | undefined {
    const state = this.#runner.get(job);
    return state && jobWakeAt(state);
  }

  async deviceOnline(device: string): Promise<void> {
    const jobs = [...this.#runner.all()].map(([job]) => job);
    await Promise.all(jobs.map((job) => this.#dispatch(job, { type: "deviceOnline", device })));
  }

  /**
   * Puts a device out of every open round (SPEC RC10): when its promise
   * resolves, no job counts on anything of it.
   */
  async exclude(device: string, reason: string): Promise<void> {
    const jobs = [...this.#runner.all()].map(([job]) => job);
    await Promise.all(jobs.map((job) => this.#exclude(job, device, reason)));
  }

  /** What a device said about an offer; ignored when there is no such job. */
  async reply(
    device: string,
    job: string,
    event: Pick<Extract<JobEvent, { type: "replied" }>, "round" | "answer">,
  ): Promise<void> {
    if (this.#runner.get(job) === undefined) return;
    await this.#dispatch(job, { type: "replied", device, ...event, now: this.#options.now() });
  }

  /**
   * Takes a submission; the answer is a receipt, sent once it is durable. The
   * body is read only if the verdict depends on it.
   *
   * @throws SelvedgeError `invalid_argument` for a malformed submission.
   */
  async submit(device: string, submission: Submission): Promise<void> {
    const { job, round, contribution } = submission;
    if (contribution === undefined)
      throw new SelvedgeError("invalid_argument", "a submission without a contribution");
    const body = blobReferenceOf(contribution.body, "contribution.body");
    const state = this.#runner.get(job);
    if (state === undefined) return this.#shell.refuseUnknown(device, job, round, body.digest);
    const claim = {
      device,
      round,
      format: contribution.format,
      contributors: contribution.contributors,
      baseVersion: Number(contribution.baseVersion),
      weight: contribution.weight,
      planDigest: contribution.planDigest,
      configDigest: contribution.configDigest,
      body,
      metrics: contribution.metrics,
    };
    await this.#keeper.turn(body.digest, async () => {
      const problem = await this.#problemWith(job, claim);
      const facts: SubmissionFacts = { ...claim, problem };
      await this.#dispatch(job, { type: "submitted", submission: facts, now: this.#options.now() });
    });
  }

  /**
   * Whether a device may upload under this digest now: those who are asked for
   * an update may, and have room for two; a third replaces the first.
   *
   * @returns the most bytes it may have; 0 = no.
   */
  async admitUpload(device: string, digest: Digest): Promise<number> {
    for (const [job, state] of this.#runner.all()) {
      const round = state.current;
      const status = round?.members[device]?.status;
      if (round?.phase !== "collecting" || (status !== "offered" && status !== "accepted")) continue;
      const replaced = this.#uploads.add(job, device, digest);
      if (replaced !== undefined) this.#letGo(job, [replaced]);
      // What is being deleted must not look as if it were there.
      await this.#keeper.turn(digest, async () => {});
      return round.kind === "statistics" ? limits.statisticsBytesMax : state.base.weights.length;
    }
    return 0;
  }

  /** Digests of every blob that some job needs, and of what devices upload for open rounds. */
  blobs(): string[] {
    return [...this.#uploads.digests(), ...[...this.states()].flatMap(blobsOf)];
  }

  states(): Iterable<JobState> {
    return [...this.#runner.all()].map(([, state]) => state);
  }

  async #start(request: JobRequest, plan: CheckedPlan): Promise<JobState> {
    const { job, evaluationDataset } = request;
    const known = this.#runner.get(job);
    if (known !== undefined) return repeated(job, known, plan);
    await checkEvaluation(evaluationDataset, plan, this.#options);
    return this.#keeper.holding(async (holder) => {
      await this.#keeper.hold(holder, plan.model.digest);
      await checkModel(plan, this.#options);
      const weights = await this.#shell.initialWeights(plan.model);
      return this.#create(request, plan, weights, holder);
    });
  }

  async #create(
    request: JobRequest,
    plan: CheckedPlan,
    initial: Uint8Array,
    holder: string,
  ): Promise<JobState> {
    const { job, signature, evaluationDataset } = request;
    const weights = await this.#keeper.put(holder, initial);
    await this.#records.writeSignature(job, signature);
    const body = await this.#keeper.put(holder, request.plan);
    const facts = jobPlan(plan, body, signature.keyId, evaluationDataset);
    const now = this.#options.now();
    const state = await this.#dispatch(job, { type: "created", plan: facts, weights, now });
    if (state === undefined) throw new SelvedgeError("internal", `job ${job} was not created`);
    return state;
  }

  async #problemWith(job: string, claim: Omit<SubmissionFacts, "problem">): Promise<string | null> {
    const state = this.#require(job);
    if (!dependsOnBody(state, claim)) return "unchecked";
    const plan = decodePlan(await this.#blobs.get(state.plan.body.digest));
    if (state.current?.kind === "statistics") {
      return problemWithStatistics(claim.body, claim.weight, claim.metrics, plan, this.#blobs);
    }
    const layout = await this.#layouts.of(plan.model);
    return problemWith(claim.body, claim.metrics, plan, layout, state.base.weights.length, this.#blobs);
  }

  async #exclude(job: string, device: string, reason: string): Promise<void> {
    await this.#dispatch(job, { type: "deviceExcluded", device, reason, now: this.#options.now() });
  }

  /** A cohort may have been chosen just before one of it was barred. */
  async #excludeBarred(job: string, state: JobState): Promise<void> {
    for (const [device, { status }] of Object.entries(state.current?.members ?? {})) {
      const why = status === "excluded" ? undefined : this.#options.barredWhy(device);
      if (why !== undefined) await this.#exclude(job, device, why);
    }
  }

  /** What was uploaded for a round and not taken goes with it. */
  #onState(job: string, state: JobState | undefined): void {
    this.#options.setAlarm(job, state && jobWakeAt(state));
    if (state !== undefined) {
      this.#excludeBarred(job, state).catch((thrown: unknown) =>
        this.#options.onTrouble(job, "exclude", SelvedgeError.from(thrown)),
      );
    }
    if (state?.current?.phase !== "collecting") this.#letGo(job, this.#uploads.takeAll(job));
  }

  #letGo(job: string, blobs: readonly Digest[]): void {
    if (blobs.length === 0) return;
    this.#keeper
      .discard(blobs)
      .catch((thrown: unknown) => this.#options.onTrouble(job, "discard", SelvedgeError.from(thrown)));
  }

  #dispatch(job: string, event: JobEvent): Promise<JobState | undefined> {
    return this.#runner.dispatch(job, event);
  }

  #failed(job: string, effect: JobEffect, error: SelvedgeError): JobEvent | "retry" {
    this.#options.onTrouble(job, effect.type, error);
    return this.#shell.failed(effect, error);
  }

  #require(job: string): JobState {
    const state = this.#runner.get(job);
    if (state !== undefined) return state;
    throw new SelvedgeError("not_found", `no job "${job.slice(0, 80)}"`, { fix: "see `selvedge job list`" });
  }
}

function jobPlan(
  plan: CheckedPlan,
  body: JobPlan["body"],
  signer: string,
  evaluationDataset: string | null,
): JobPlan {
  const schedule = plan.plan.schedule;
  return {
    name: plan.plan.name,
    digest: plan.digest,
    body,
    model: plan.model,
    signer,
    rounds: schedule?.rounds ?? 0,
    cohort: schedule?.cohort ?? 0,
    quorum: schedule?.quorum ?? 0,
    deadlineMs: schedule?.deadlineMs ?? 0,
    graceMs: schedule?.graceMs ?? 0,
    targetAccuracy: schedule?.targetAccuracy ?? 0,
    maxExamplesPerDevice: plan.train.maxExamplesPerDevice,
    evaluationDataset,
    ...(scaledTable(plan) !== null && { statistics: true }),
  };
}

function repeated(job: string, known: JobState, plan: CheckedPlan): JobState {
  if (known.plan.digest === plan.digest) return known;
  throw new SelvedgeError("already_exists", `job "${job}" already runs another plan`, {
    fix: "give the new job another id",
  });
}
