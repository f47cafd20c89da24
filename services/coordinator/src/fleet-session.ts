import type { X509Certificate } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { DeviceFacts } from "@selvedge/learning";
import {
  type Birth,
  type BlobReference,
  type Digest,
  hasEnded,
  type JobEffect,
  ReleaseNoticeSchema,
  TrustBundleSchema,
} from "@selvedge/protocol";
import { type ImageStore, signRound } from "@selvedge/registry";
import {
  BlobKeeper,
  type BlobStore,
  type ClockSource,
  type JournalHooks,
  type Timers,
  untilStored,
  WakeTimers,
} from "@selvedge/storage";
import type { Fleet } from "./fleet.ts";
import { type Admission, DeviceAdmission } from "./identity/device-admission.ts";
import { pinTextOf } from "./identity/identity-rotation.ts";
import type { Evaluator } from "./jobs/evaluator.ts";
import { JobBoard } from "./jobs/job-board.ts";
import { JobClock } from "./jobs/job-clock.ts";
import { JobLog } from "./jobs/job-log.ts";
import { ModelLayouts } from "./jobs/model-layouts.ts";
import type { Strategies } from "./jobs/server-step.ts";
import { DeviceMail, pinTexts } from "./sessions/device-mail.ts";
import { type Arrival, SessionHub } from "./sessions/session-hub.ts";

/** What of a fleet takes part in its jobs. */
export interface LiveFleet
  extends Pick<
    Fleet,
    | "store"
    | "audit"
    | "operatorKey"
    | "operatorTokens"
    | "ratchet"
    | "signing"
    | "devices"
    | "installs"
    | "records"
    | "epoch"
  > {
  readonly blobs: BlobStore;
  readonly strategies?: Strategies;
  readonly images: Pick<ImageStore, "neededBlobs">;
}

/** What of a pino logger is used. */
export interface SessionLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface FleetSessionOptions {
  readonly fleet: LiveFleet;
  readonly evaluator: Evaluator;
  readonly evaluationDatasets: ReadonlySet<string>;
  /** Plans whose training takes more memory on a device are refused, bytes. */
  readonly memoryBytesMax: number;
  /** Where the blobs are. */
  readonly diskBytesFree: () => Promise<number>;
  readonly softwareVersion: string;
  readonly clock: ClockSource;
  readonly timers: Timers;
  readonly log: SessionLog;
  /** What devices are to trust; those that do not are told. */
  trustBundle(): readonly X509Certificate[];
  /** Authorises again now all that this device's connections are doing. */
  recheckDevice(device: string): Promise<void>;
  /** The journal cannot go on: the process should end and be started again. */
  onHalt(error: unknown): void;
  /** For crash tests: called around every durable effect of a job. */
  readonly hooks?: JournalHooks<JobEffect>;
}

/** The live half of a coordinator: devices that are connected, and the jobs they work for. */
export class FleetSession {
  readonly hub: SessionHub;
  readonly board: JobBoard;
  readonly admission: DeviceAdmission;
  readonly #options: FleetSessionOptions;
  readonly #clock: JobClock;
  readonly #alarms: WakeTimers;
  readonly #keeper: BlobKeeper;
  readonly #mail: DeviceMail;
  readonly #jobLog: JobLog;
  readonly #stopping = new AbortController();
  /** Releases that the log knows. */
  readonly #announced = new Set<string>();

  constructor(options: FleetSessionOptions) {
    const { clock, fleet, evaluator, log, softwareVersion, timers } = options;
    this.#options = options;
    this.#clock = new JobClock({
      store: fleet.store,
      clock,
      timers,
      onTrouble: (error) => log.error({ err: error }, "the time of jobs could not be kept"),
    });
    const now = (): number => this.#clock.now();
    this.#alarms = new WakeTimers({
      now,
      timers,
      wake: (job) => this.board.tick(job),
      onError: (job, error) => log.error({ err: error, job }, "the job's alarm failed: it rings again"),
      wakeAt: (job) => this.board.wakeAt(job),
    });
    this.#keeper = this.#createKeeper();
    this.hub = new SessionHub({
      epoch: fleet.epoch,
      softwareVersion,
      now: () => clock.wall(),
      admit: (device, arrival) => this.#admit(device, arrival),
      onBirth: (device, birth) => this.#onBirth(device, birth),
      onEnvelope: (device, envelope) => this.#follow(this.#mail.deliver(device, envelope), "device mail"),
      onGone: (device, reason) => log.info({ device, reason }, "device offline"),
      onTrouble: (device, error) => log.error({ device, code: error.code }, error.message),
    });
    this.board = new JobBoard({
      ...{ store: fleet.store, blobs: fleet.blobs, records: fleet.records },
      ...(fleet.strategies && { strategies: fleet.strategies }),
      layouts: new ModelLayouts(fleet.blobs),
      evaluator,
      operatorKeys: () => [fleet.operatorKey, ...fleet.operatorTokens.planKeys()],
      evaluationDatasets: options.evaluationDatasets,
      memoryBytesMax: options.memoryBytesMax,
      diskBytesFree: options.diskBytesFree,
      keeper: this.#keeper,
      eligible: (dataset) => this.#eligible(dataset),
      released: (model, version) => this.#released(model, version),
      setsOf: (device) => fleet.devices.setsOf(device),
      factsOf: (device) => this.#factsOf(device),
      barredWhy: (device) => fleet.devices.barredWhy(device),
      send: (device, body) => this.hub.send(device, body),
      signRound: (job, round, weights, expires) =>
        signRound({ job, round, weights, expires }, fleet.signing.roundKey),
      now,
      setAlarm: (job, at) => this.#alarms.set(job, at),
      sleep: timers.sleep,
      onTrouble: (job, what, error) => log.error({ job, what, code: error.code }, error.message),
      onHalt: options.onHalt,
      ...(options.hooks === undefined ? {} : { hooks: options.hooks }),
    });
    this.#jobLog = new JobLog(log);
    this.board.subscribe((job, state) => this.#jobLog.changed(job, state));
    this.admission = new DeviceAdmission({
      ...fleet,
      now: () => clock.wall(),
      log,
      cutOff: (device, reason) => this.#cutOff(device, reason),
      letIn: (device) => {
        log.info({ device, standing: "active" }, "device approved");
        this.hub.readmit(device);
      },
    });
    this.#mail = new DeviceMail({
      board: this.board,
      installs: fleet.installs,
      trusts: async (device, pins) => void (await fleet.devices.update(device, { trustedPins: pins })),
      onTrouble: (device, what, error) => log.warn({ device, what, code: error.code }, error.message),
    });
  }

  /** Goes on with every job; what a crash left behind goes first. */
  async start(): Promise<void> {
    await this.board.start(async () => {
      await this.#clock.start(this.board.states());
      this.#jobLog.start(this.board.all());
      for (const { name, version } of this.#options.fleet.signing.repository.releases())
        this.#announced.add(`${name}@${version}`);
      await this.#keeper.start();
    });
    this.board.subscribe((_job, state) => {
      if (state === undefined || hasEnded(state)) this.#keeper.sweepSoon();
    });
  }

  /** What an operator uploads or looks at stays a while, though no job names it yet. */
  async hold(digest: Digest): Promise<void> {
    await this.#keeper.hold("operator", digest, operatorHoldMs);
  }

  /** Runs `work` while no blob goes. */
  keepingBlobs<T>(work: () => Promise<T>): Promise<T> {
    return this.#keeper.keepingAll(work);
  }

  /** Tells every connected device to look at the release metadata. */
  announceReleases(): void {
    for (const { blob, job, name, version } of this.#options.fleet.signing.repository.releases()) {
      const release = `${name}@${version}`;
      if (this.#announced.has(release)) continue;
      this.#announced.add(release);
      const fields = { model: name, version, digest: blob.digest, bytes: blob.length, job };
      this.#options.log.info(fields, "release published");
    }
    this.hub.broadcast(this.#releaseNotice());
  }

  /** Tells every connected device that believes other roots than these. */
  announceTrust(): void {
    for (const [device, birth] of this.hub.online()) this.#sendTrust(device, birth);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#alarms.stop();
    this.#clock.stop();
    this.hub.close("the coordinator is shutting down");
    await this.board.stop();
    await this.#keeper.stop();
  }

  #admit(device: string, { birth, epoch, replacedEpoch }: Arrival): Promise<Admission> {
    const seen = {
      lastSeenAtMs: this.#options.clock.wall(),
      softwareVersion: birth.softwareVersion.slice(0, 64),
      architecture: birth.architecture.slice(0, 64),
      datasets: birth.datasets.slice(0, 100).map((dataset) => dataset.name.slice(0, 64)),
      trustedPins: pinTexts(birth.trustedPins),
    };
    return this.admission.admit(device, { mark: birth.mark, epoch, replacedEpoch, seen });
  }

  /** The session and what is transferred first: the device learns at once, jobs follow. */
  async #cutOff(device: string, reason: string): Promise<void> {
    const standing = this.#options.fleet.devices.standingOf(device);
    this.#options.log.warn({ device, standing, reason }, "device cut off");
    // Why is for operators: who holds the device now is not to know.
    this.hub.cut(device, `this device was ${standing}`);
    await Promise.all([this.#options.recheckDevice(device), this.board.exclude(device, reason)]);
  }

  #sendTrust(device: string, birth: Birth): void {
    // An agent of before there were rotations would not know what to do with it.
    if (!birth.features.includes("trust-bundle")) return;
    const roots = this.#options.trustBundle().map(({ raw }) => new Uint8Array(raw));
    this.hub.send(device, { case: "trustBundle", value: create(TrustBundleSchema, { roots }) });
  }

  #onBirth(device: string, birth: Birth): void {
    const { log } = this.#options;
    this.#follow(this.#tellJobs(device), "device online");
    this.hub.send(device, this.#releaseNotice());
    const pins = this.#options.trustBundle().map(pinTextOf);
    if (pinTexts(birth.trustedPins).join() !== pins.join()) this.#sendTrust(device, birth);
    log.info({ device, version: birth.softwareVersion.slice(0, 64) }, "device online");
  }

  /** Nobody tells a waiting job a second time. */
  #tellJobs(device: string): Promise<void> {
    const { log, timers } = this.#options;
    return untilStored(() => this.board.deviceOnline(device), {
      isWanted: () => this.hub.online().has(device),
      sleep: (ms, signal) => timers.sleep(ms, signal),
      signal: this.#stopping.signal,
      onTrouble: ({ code, message }) => log.error({ device, what: "device online", code }, message),
    });
  }

  #eligible(dataset: string): string[] {
    const { devices } = this.#options.fleet;
    const online = [...this.hub.online()];
    return online.flatMap(([device, birth]) => {
      const hasData = birth.datasets.some((summary) => summary.name === dataset);
      return hasData && devices.standingOf(device) === "active" ? device : [];
    });
  }

  #released(name: string, version: number): BlobReference | undefined {
    const releases = this.#options.fleet.signing.repository.releases();
    return releases.find((release) => release.name === name && Number(release.version) === version)?.blob;
  }

  #factsOf(device: string): DeviceFacts {
    const { memoryBytes = 0n, cores = 0, architecture = "" } = this.hub.online().get(device) ?? {};
    const sets = this.#options.fleet.devices.setsOf(device);
    return { memoryBytes: Number(memoryBytes), cores, architecture, ...sets };
  }

  #createKeeper(): BlobKeeper {
    const { clock, fleet, log, timers } = this.#options;
    return new BlobKeeper({
      blobs: fleet.blobs,
      needed: () => this.#neededBlobs(),
      clock,
      timers,
      graceMs: blobGraceMs,
      onError: (error) => log.error({ err: error }, "blobs of no use could not be deleted"),
    });
  }

  /** Of releases, their images, of jobs, and of what devices are uploading. */
  #neededBlobs(): string[] {
    const { images, signing } = this.#options.fleet;
    const releases = signing.repository.releases().map((release) => release.blob.digest);
    return [...releases, ...images.neededBlobs(), ...this.board.blobs()];
  }

  #releaseNotice(): Parameters<SessionHub["broadcast"]>[0] {
    const version = this.#options.fleet.signing.repository.timestampVersion();
    return {
      case: "releaseNotice",
      value: create(ReleaseNoticeSchema, { timestampVersion: BigInt(version) }),
    };
  }

  #follow(work: Promise<unknown>, what: string): void {
    work.catch((thrown: unknown) => this.#options.log.error({ err: thrown, what }, "work failed"));
  }
}

/** An operator uploads a model and then runs the job that names it. */
const operatorHoldMs = 3_600_000;
/** What an upload or a fold left that came too late. */
const blobGraceMs = 60_000;
