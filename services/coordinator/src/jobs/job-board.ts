import {
  blobReferenceOf,
  type Digest,
  decodePlan,
  dependsOnBody,
  type JobEffect,
  type JobEvent,
  type JobState,
  jobWakeAt,
  limits,
  SelvedgeError,
  type Submission,
  type SubmissionFacts,
  sentBytes,
  stepJob,
} from "@selvedge/protocol";
import {
  type BlobKeeper,
  type BlobStore,
  EntityRunner,
  type JournalHooks,
  type Store,
} from "@selvedge/storage";
import { problemWith } from "./check-body.ts";
import { problemWithEvaluation } from "./check-evaluation.ts";
import { blobsOf, JobShell, type JobShellOptions } from "./job-shell.ts";
import { PendingUploads } from "./pending-uploads.ts";
import { type JobRequest, RequestDesk, type RequestDeskOptions } from "./request-desk.ts";
import { problemWithStatistics } from "./statistics-round.ts";

export interface JobBoardOptions
  extends Omit<JobShellOptions, "stateOf">,
    Omit<RequestDeskOptions, "jobOf" | "create"> {
  readonly store: Store;
  /** Why a device is to have no part in any round; undefined = it may. */
  barredWhy(device: string): string | undefined;
  /** Sets or clears the alarm that calls `tick`. */
  setAlarm(job: string, at: number | undefined): void;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  onTrouble(job: string, what: string, error: SelvedgeError): void;
  onHalt(error: unknown): void;
  readonly hooks?: JournalHooks<JobEffect>;
}

/** All jobs of a coordinator: what operators and devices say becomes events, what steps ask for is performed. */
export class JobBoard {
  readonly #options: JobBoardOptions;
  readonly #runner: EntityRunner<JobState, JobEvent, JobEffect>;
  readonly #shell: JobShell;
  readonly #blobs: BlobStore;
  readonly #keeper: BlobKeeper;
  readonly #uploads = new PendingUploads();
  readonly #desk: RequestDesk;
  /** Resolved once what was barred while we were away is out of every open round. */
  readonly #isSettled = Promise.withResolvers<void>();

  constructor(options: JobBoardOptions) {
    this.#options = options;
    this.#blobs = options.blobs;
    this.#keeper = options.keeper;
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
    this.#desk = new RequestDesk({
      ...options,
      jobOf: (job) => this.#runner.get(job),
      create: (job, event) => this.#runner.dispatch(job, event),
    });
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

  /** Starts a job: see `RequestDesk.take`. */
  run(request: JobRequest): Promise<JobState> {
    return this.#desk.take(request);
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
      ...(Object.keys(contribution.bits).length > 0 && { bits: contribution.bits }),
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
      // What devices measure travels in the submission.
      if (round?.kind === "evaluate") continue;
      if (round?.phase !== "collecting" || (status !== "offered" && status !== "accepted")) continue;
      const replaced = this.#uploads.add(job, device, digest);
      if (replaced !== undefined) this.#letGo(job, [replaced]);
      // What is being deleted must not look as if it were there.
      await this.#keeper.turn(digest, async () => {});
      return round.kind === "statistics" ? limits.statisticsBytesMax : updateBytesMax(state);
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

  async #problemWith(job: string, claim: Omit<SubmissionFacts, "problem">): Promise<string | null> {
    const state = this.#require(job);
    const { current } = state;
    if (current === null || !dependsOnBody(state, claim)) return "unchecked";
    const plan = decodePlan(await this.#blobs.get(state.plan.body.digest));
    if (current.kind === "statistics") {
      return problemWithStatistics(claim.body, claim.weight, claim.metrics, plan, this.#blobs);
    }
    if (current.kind === "evaluate") return problemWithEvaluation(claim.body, claim.metrics, plan);
    const reading = await this.#shell.arithmetic(job, current.config);
    return problemWith(claim, plan, reading, updateBytesMax(state), this.#blobs);
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

function updateBytesMax({ base, plan: { sends = 1 } }: JobState): number {
  return sentBytes(sends, base.weights.length);
}
