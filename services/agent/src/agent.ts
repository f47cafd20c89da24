import { randomUUID } from "node:crypto";
import { arch } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startInferenceServer } from "@selvedge/inference";
import { type Envelope, SeededRandom, SelvedgeError } from "@selvedge/protocol";
import { TrustStore, verifyRound } from "@selvedge/registry";
import {
  type FileBlobs,
  openEpoch,
  openFileBlobStore,
  openSqliteStore,
  type Store,
  WakeTimers,
} from "@selvedge/storage";
import { ReconnectingSession, type SessionState } from "@selvedge/transport";
import { createGrpcDialer, createHttpBlobChannel, createHttpDocuments } from "@selvedge/transport-grpc";
import type { Logger } from "pino";
import packageJson from "../package.json" with { type: "json" };
import { AuditLog } from "./audit-log.ts";
import { type AgentConfig, readAgentConfig } from "./config/agent-config.ts";
import { readPolicy } from "./config/policy-file.ts";
import { openDeviceFolder } from "./identity/device-folder.ts";
import { type DeviceIdentity, loadDeviceIdentity } from "./identity/device-identity.ts";
import { ReleaseFollower } from "./releases/release-follower.ts";
import { AgentSession } from "./session/agent-session.ts";
import { DeviceWorker } from "./tasks/device-worker.ts";
import { ProcessTrainer } from "./tasks/process-trainer.ts";

export interface AgentOptions {
  /** The folder that `joinFleet` made; all the agent reads and writes is in it. */
  readonly folder: string;
  readonly log: Logger;
}

export interface Agent {
  readonly deviceId: string;
  /** Where released models are served. */
  readonly inferenceUrl: string;
  /** Ends training, session and serving; what was made is durable already. */
  close(): Promise<void>;
}

/**
 * Runs a device: keeps a session with its coordinator up, trains when asked and
 * allowed, and serves released models, with or without the coordinator.
 *
 * @throws SelvedgeError `failed_precondition` when the folder has not joined a
 *   fleet, `unavailable` when another agent runs on it or its port is in use.
 */
export async function runAgent({ folder, log }: AgentOptions): Promise<Agent> {
  const identity = await loadDeviceIdentity(await openDeviceFolder(folder));
  if (identity === undefined) {
    throw new SelvedgeError("failed_precondition", "this folder has not joined a fleet", {
      at: folder,
      fix: "join first: selvedge join https://HOST:7443 --token-file FILE",
    });
  }
  const config = await readAgentConfig(folder);
  await readPolicy(join(folder, "policy.yaml"));
  const store = await openSqliteStore({ path: join(folder, "agent.db") });
  try {
    const blobs = await openFileBlobStore({ root: folder });
    const trust = await TrustStore.open({
      store,
      rootBytes: Buffer.from(identity.releaseRoot),
      now: Date.now,
    });
    const audit = await AuditLog.open(join(folder, "audit.log"));
    return await start({ folder, log, identity, config, store, blobs, trust, audit });
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

interface Parts extends AgentOptions {
  readonly identity: DeviceIdentity;
  readonly config: AgentConfig;
  readonly store: Store;
  readonly blobs: FileBlobs;
  readonly trust: TrustStore;
  readonly audit: AuditLog;
}

async function start(parts: Parts): Promise<Agent> {
  const { config, identity, log, store, audit } = parts;
  const inference = await startInferenceServer({ ...config.inference, log });
  const connection = {
    url: identity.coordinatorUrl,
    tls: { ca: identity.trust, cert: identity.chain, key: identity.key },
  };
  const channel = createHttpBlobChannel(connection);
  const documents = createHttpDocuments(connection);
  const trainer = new ProcessTrainer({
    ...parts,
    datasets: config.datasets,
    workFolder: join(parts.folder, "work"),
    idleMs,
  });
  const onTrouble = (what: string, error: SelvedgeError): void =>
    log.warn({ what, code: error.code, at: error.at }, error.message);
  const epoch = await openEpoch(store, randomUUID);
  const follower = await ReleaseFollower.open({
    ...parts,
    channel,
    documents,
    inference,
    send: (body) => session.send(body),
    onTrouble,
  });
  const alarm = new WakeTimers({ now: Date.now, wake: () => follow(worker.tick()) });
  const follow = (work: Promise<unknown>): void => {
    work.catch((thrown: unknown) => onTrouble("work", SelvedgeError.from(thrown)));
  };
  const worker = new DeviceWorker({
    ...parts,
    deviceId: identity.deviceId,
    operatorKeys: identity.operatorKeys,
    channel,
    trainer,
    datasets: new Set(config.datasets.keys()),
    connected: () => session.connected,
    send: (body) => session.send(body),
    policy: () => readPolicy(join(parts.folder, "policy.yaml")),
    async verifyBase(metadata, expected) {
      await follower.ensureFresh();
      verifyRound(metadata, { ...expected, delegation: parts.trust.roundDelegation(), now: Date.now() });
    },
    minuteOfDay,
    now: Date.now,
    random: SeededRandom.fromSeed("device", randomUUID()),
    setAlarm: (at) => alarm.set("task", at),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    onTrouble,
    onHalt: (error) => halt(log, error),
  });
  const session: AgentSession = new AgentSession({
    deviceId: identity.deviceId,
    epoch,
    newSessionId: randomUUID,
    describe: () => ({
      softwareVersion: packageJson.version,
      architecture: arch(),
      features: [],
      datasets: [...config.datasets.keys()],
      models: follower.installed(),
    }),
    onWelcome() {
      log.info("the coordinator welcomed this device");
      follower.report();
      follow(worker.connected());
      follow(follower.follow());
    },
    onEnvelope: (envelope) => follow(receive(worker, follower, envelope)),
  });
  const reconnecting = new ReconnectingSession({
    dialer: createGrpcDialer(connection),
    onLink: (link) => session.adopt(link),
    onState: (state) => logState(log, state),
    now: Date.now,
    random: Math.random,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
  });
  await follower.serveInstalled();
  await worker.start();
  reconnecting.start();
  const reintroduce = setInterval(() => session.introduce(), introduceEveryMs);
  const refresh = setInterval(() => session.connected && follow(follower.follow()), followEveryMs);
  return {
    deviceId: identity.deviceId,
    inferenceUrl: inference.url,
    async close() {
      clearInterval(reintroduce);
      clearInterval(refresh);
      alarm.stop();
      await reconnecting.stop("the agent is stopping");
      await worker.stop();
      await follower.stop();
      await trainer.close();
      await inference.close();
      channel.close();
      documents.close();
      await audit.close();
      await store.close();
    },
  };
}

async function receive(worker: DeviceWorker, follower: ReleaseFollower, { body }: Envelope): Promise<void> {
  switch (body.case) {
    case "offer":
      return worker.offer(body.value);
    case "receipt":
      return worker.receipt(body.value);
    case "roundClosed":
      return worker.roundClosed(body.value);
    case "releaseNotice":
      return follower.follow();
    default:
      throw new SelvedgeError("invalid_argument", `a coordinator does not send "${body.case}"`);
  }
}

function logState(log: Logger, state: SessionState): void {
  if (state.status === "connected") log.info("connected");
  if (state.status === "waiting")
    log.warn({ until: state.until, attempt: state.attempt }, state.reason.message);
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

/** The training child of an idle agent ends after this long. */
const idleMs = 30_000;
/** A birth that was not answered is sent again this often. */
const introduceEveryMs = 5_000;
/** Release metadata is looked at this often even without a notice. */
const followEveryMs = 3_600_000;
