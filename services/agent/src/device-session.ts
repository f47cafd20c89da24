import { randomUUID } from "node:crypto";
import { arch, availableParallelism } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import type { InferenceServer } from "@selvedge/inference";
import {
  deviceWakeAt,
  type Envelope,
  lastSubmittedAt,
  SelvedgeError,
  TrustReportSchema,
} from "@selvedge/protocol";
import { type TrustStore, verifyRound } from "@selvedge/registry";
import { machineMemoryBytes } from "@selvedge/runtime";
import {
  BlobKeeper,
  type FileBlobs,
  SteadyClock,
  type Store,
  systemSource,
  systemTimers,
  WakeTimers,
} from "@selvedge/storage";
import { defaultBackoff, ReconnectingSession, type SessionState } from "@selvedge/transport";
import {
  createGrpcDialer,
  createHttpBlobChannel,
  createHttpDocuments,
  type HttpBlobChannel,
  type HttpDocuments,
} from "@selvedge/transport-grpc";
import type { Logger } from "pino";
import packageJson from "../package.json" with { type: "json" };
import type { AuditLog } from "./audit-log.ts";
import type { AgentConfig } from "./config/agent-config.ts";
import { readPolicy, readTrainingLimits } from "./config/policy-file.ts";
import { CertificateKeeper } from "./identity/certificate-keeper.ts";
import type { DeviceClock } from "./identity/device-clock.ts";
import type { DeviceFolder } from "./identity/device-folder.ts";
import type { DeviceIdentity } from "./identity/device-identity.ts";
import { LiveIdentity } from "./identity/live-identity.ts";
import { addAgentMetrics } from "./metrics/agent-metrics.ts";
import { datasetProblem } from "./offers/dataset-problem.ts";
import type { InstalledModels } from "./releases/installed-models.ts";
import { ReleaseFollower } from "./releases/release-follower.ts";
import { AgentSession } from "./session/agent-session.ts";
import type { SessionMark } from "./session/session-mark.ts";
import { blobsOf } from "./tasks/blobs-of.ts";
import { DeviceWorker } from "./tasks/device-worker.ts";
import { TaskLog } from "./tasks/task-log.ts";
import type { Trainer } from "./tasks/trainer.ts";

export interface DeviceSessionOptions {
  readonly folder: string;
  readonly deviceFolder: DeviceFolder;
  readonly clock: DeviceClock;
  readonly log: Logger;
  readonly identity: DeviceIdentity;
  readonly config: AgentConfig;
  readonly store: Store;
  readonly blobs: FileBlobs;
  readonly trust: TrustStore;
  readonly audit: AuditLog;
  readonly installed: InstalledModels;
  readonly inference: InferenceServer;
  readonly trainer: Trainer;
  readonly mark: SessionMark;
  readonly epoch: string;
}

/** The live half of an agent: its link to the coordinator, its work for jobs, and the releases it follows. */
export class DeviceSession {
  readonly #options: DeviceSessionOptions;
  readonly #identity: LiveIdentity;
  readonly #certificates: CertificateKeeper;
  readonly #channel: HttpBlobChannel;
  readonly #documents: HttpDocuments;
  readonly #keeper: BlobKeeper;
  readonly #follower: ReleaseFollower;
  readonly #tasks: TaskLog;
  readonly #worker: DeviceWorker;
  readonly #session: AgentSession;
  readonly #link: ReconnectingSession;
  readonly #alarm: WakeTimers;
  /** What submissions go by: a clock that is set back delays none (SPEC SU7). */
  readonly #steady = new SteadyClock();
  #intervals: NodeJS.Timeout[] = [];

  constructor(options: DeviceSessionOptions) {
    const { blobs, clock, config, deviceFolder, identity, log } = options;
    this.#identity = new LiveIdentity(identity, clock);
    const connection = { url: identity.coordinatorUrl, tls: () => this.#identity.tls() };
    this.#options = options;
    this.#certificates = new CertificateKeeper({
      folder: deviceFolder,
      identity: this.#identity,
      clock,
      random: Math.random,
      log,
      onRenewed: () => this.#link.redial("the certificate was renewed"),
    });
    this.#channel = createHttpBlobChannel(connection);
    this.#documents = createHttpDocuments(connection);
    this.#keeper = new BlobKeeper({
      blobs,
      needed: () => [...options.installed.digests(), ...blobsOf(this.#worker.state)],
      clock: systemSource,
      timers: systemTimers,
      graceMs: blobGraceMs,
      onError: (error) => logTrouble(log, "sweep", SelvedgeError.from(error)),
    });
    this.#follower = this.#createFollower();
    this.#alarm = new WakeTimers({
      now: () => this.#steady.now(),
      wake: () => this.#worker.tick(),
      onError: (_id, error) => logTrouble(log, "alarm", SelvedgeError.from(error)),
      wakeAt: () => deviceWakeAt(this.#worker.state),
    });
    this.#tasks = new TaskLog({ log, now: () => performance.now() });
    this.#worker = this.#createWorker();
    this.#worker.subscribe((state) => this.#tasks.changed(state));
    this.#session = this.#createSession();
    addAgentMetrics(options.inference.metrics, {
      connected: () => this.#session.connected,
      device: () => this.#worker.state,
      certificateExpires: () => this.#identity.dates.expiresAtMs / 1_000,
    });
    this.#link = new ReconnectingSession({
      dialer: createGrpcDialer(connection),
      onLink: (link) => this.#session.adopt(link),
      onState: (state) => {
        logState(log, state);
        if (state.status === "waiting" && state.reason.code === "unauthenticated")
          this.#certificates.refused();
      },
      backoff: { ...defaultBackoff, maximumMs: config.connection.longestPauseMs },
      now: Date.now,
      random: Math.random,
      sleep: systemTimers.sleep,
    });
  }

  /** Serves what is installed, goes on with what was left, and then looks for the coordinator. */
  async start(): Promise<void> {
    await this.#follower.serveInstalled();
    await this.#worker.start(async () => {
      this.#steady.raise(lastSubmittedAt(this.#worker.state));
      this.#tasks.start(this.#worker.state);
      await this.#keeper.start();
    });
    this.#certificates.start();
    this.#link.start();
    this.#intervals = [
      setInterval(() => this.#session.introduce(), introduceEveryMs),
      setInterval(() => this.#session.connected && this.#watch(this.#follower.follow()), followEveryMs),
    ];
  }

  async stop(): Promise<void> {
    for (const interval of this.#intervals) clearInterval(interval);
    this.#alarm.stop();
    await this.#certificates.stop();
    await this.#link.stop("the agent is stopping");
    await this.#worker.stop();
    await this.#follower.stop();
    await this.#keeper.stop();
    this.#channel.close();
    this.#documents.close();
  }

  #createFollower(): ReleaseFollower {
    const { blobs, inference, installed, log, trust } = this.#options;
    return new ReleaseFollower({
      blobs,
      inference,
      installed,
      trust,
      channel: this.#channel,
      documents: this.#documents,
      keeper: this.#keeper,
      send: (body) => this.#session.send(body),
      sleep: systemTimers.sleep,
      random: Math.random,
      onTrouble: (what, error) => logTrouble(log, what, error),
    });
  }

  #createWorker(): DeviceWorker {
    const { audit, blobs, clock, config, folder, identity, log, store, trainer, trust } = this.#options;
    return new DeviceWorker({
      deviceId: identity.deviceId,
      operatorKeys: identity.operatorKeys,
      datasetProblem: (wish) => datasetProblem(config.datasets, wish),
      store,
      blobs,
      audit,
      channel: this.#channel,
      trainer,
      keeper: this.#keeper,
      connected: () => this.#session.connected,
      send: (body) => this.#session.send(body),
      policy: () => readPolicy(join(folder, "policy.yaml")),
      keepForMs: async () => (await readTrainingLimits(join(folder, "policy.yaml"))).keepForMs,
      verifyBase: async (metadata, expected) => {
        await this.#follower.ensureFresh();
        verifyRound(metadata, { ...expected, delegation: trust.roundDelegation(), now: clock.now() });
      },
      minuteOfDay,
      now: () => this.#steady.now(),
      setAlarm: (at) => this.#alarm.set("task", at),
      sleep: systemTimers.sleep,
      onReceipt: ({ job, round }, verdict) => this.#tasks.receipt(job, round, verdict),
      onTrouble: (what, error, about) => logTrouble(log, what, error, about),
      onHalt: (error) => halt(log, error),
    });
  }

  #createSession(): AgentSession {
    const { clock, config, epoch, identity, log, mark } = this.#options;
    return new AgentSession({
      deviceId: identity.deviceId,
      epoch,
      mark,
      newSessionId: randomUUID,
      describe: () => ({
        softwareVersion: packageJson.version,
        architecture: arch(),
        memoryBytes: machineMemoryBytes(),
        cores: availableParallelism(),
        features: ["trust-bundle"],
        datasets: [...config.datasets.keys()],
        models: this.#follower.installed(),
        trustedPins: this.#identity.pins,
      }),
      onWelcome: ({ coordinator, timeMs }) => {
        log.info({ device: identity.deviceId }, "the coordinator welcomed this device");
        this.#watch(clock.told(timeMs));
        this.#follower.report();
        this.#watch(this.#worker.connected(coordinator));
        this.#watch(this.#follower.follow());
      },
      onWaiting: (reason) =>
        log.warn(
          { device: identity.deviceId, reason },
          `this device waits for an operator: selvedge device approve ${identity.deviceId}`,
        ),
      onTrouble: (error) => logTrouble(log, "session", error),
      onEnvelope: (envelope) => this.#watch(this.#receive(envelope)),
    });
  }

  async #receive({ body }: Envelope): Promise<void> {
    switch (body.case) {
      case "offer":
        return this.#worker.offer(body.value);
      case "receipt":
        return this.#worker.receipt(body.value);
      case "roundClosed":
        return this.#worker.roundClosed(body.value);
      case "releaseNotice":
        return this.#follower.noticed(body.value.timestampVersion);
      case "trustBundle":
        await this.#certificates.believe(body.value.roots);
        return this.#session.send({
          case: "trustReport",
          value: create(TrustReportSchema, { pins: [...this.#identity.pins] }),
        });
      default:
        throw new SelvedgeError("invalid_argument", `a coordinator does not send "${body.case}"`);
    }
  }

  #watch(work: Promise<unknown>): void {
    work.catch((thrown: unknown) => logTrouble(this.#options.log, "work", SelvedgeError.from(thrown)));
  }
}

function logTrouble(log: Logger, what: string, error: SelvedgeError, about: object = {}): void {
  log.warn({ what, ...about, code: error.code, at: error.at }, error.message);
}

function logState(log: Logger, state: SessionState): void {
  if (state.status === "connected") log.info("connected");
  if (state.status === "waiting")
    log.warn({ retryAtMs: state.until, attempt: state.attempt, fix: state.reason.fix }, state.reason.message);
}

/** What is on disk is sound and what is in memory no longer is: whoever supervises starts the agent again. */
function halt(log: Logger, error: unknown): void {
  log.fatal({ err: error }, "the journal cannot be written: ending");
  process.exitCode = 1;
  process.kill(process.pid, "SIGTERM");
}

function minuteOfDay(): number {
  const now = new Date();
  return now.getHours() * 60 + now.getMinutes();
}

/** A model to train stays as long between two rounds of a job; a device is not told when a job ends. */
const blobGraceMs = 3_600_000;
/** A birth that was not answered is sent again this often. */
const introduceEveryMs = 5_000;
/** Release metadata is looked at this often even without a notice. */
const followEveryMs = 3_600_000;
