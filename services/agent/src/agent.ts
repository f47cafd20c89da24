import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { get as httpGet, type IncomingMessage } from "node:http";
import { get as httpsGet } from "node:https";
import { join } from "node:path";
import { startInferenceServer } from "@selvedge/inference";
import { SelvedgeError } from "@selvedge/protocol";
import { TrustStore } from "@selvedge/registry";
import {
  checkFolder,
  type FileBlobs,
  migrateRecords,
  openEpoch,
  openFileBlobStore,
  openSqliteStore,
  type Store,
} from "@selvedge/storage";
import type { Logger } from "pino";
import packageJson from "../package.json" with { type: "json" };
import { AuditLog } from "./audit-log.ts";
import { type AgentConfig, readAgentConfig } from "./config/agent-config.ts";
import { readPolicy, readTrainingLimits, type TrainingLimits } from "./config/policy-file.ts";
import { DeviceSession } from "./device-session.ts";
import { DeviceClock } from "./identity/device-clock.ts";
import { type DeviceFolder, openDeviceFolder } from "./identity/device-folder.ts";
import { type DeviceIdentity, loadDeviceIdentity } from "./identity/device-identity.ts";
import { recordMigrations } from "./record-migrations.ts";
import { InstalledModels } from "./releases/installed-models.ts";
import { SessionMark } from "./session/session-mark.ts";
import { ProcessTrainer } from "./tasks/process-trainer.ts";
import type { Trainer } from "./tasks/trainer.ts";

export interface AgentOptions {
  /** The folder that `joinFleet` made; all the agent reads and writes is in it. */
  readonly folder: string;
  readonly log: Logger;
  /** What trains, and is not closed by the agent; default: a process of its own, on the device's data. */
  readonly trainer?: Trainer;
}

export interface Agent {
  readonly deviceId: string;
  /** Where released models are served. */
  readonly inferenceUrl: string;
  /**
   * Checks that this agent can do its work; the coordinator is not asked.
   * @throws SelvedgeError for a disk that cannot be read or written, or models that are not served
   */
  checkHealth(): Promise<void>;
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
export async function runAgent({ folder, log, trainer: given }: AgentOptions): Promise<Agent> {
  const deviceFolder = await openDeviceFolder(folder);
  const identity = await joinedIdentity(deviceFolder);
  const config = await readAgentConfig(folder);
  await readPolicy(join(folder, "policy.yaml"));
  const clock = await DeviceClock.open(deviceFolder);
  const database = join(folder, "agent.db");
  await using parts = new AsyncDisposableStack();
  const store = parts.adopt(await openSqliteStore({ path: database }), (opened) => opened.close());
  await migrateRecords(store, database, recordMigrations);
  const blobs = await openFileBlobStore({ root: folder });
  const rootBytes = Buffer.from(identity.releaseRoot);
  const trust = await TrustStore.open({ store, rootBytes, now: () => clock.now() });
  const audit = parts.adopt(await AuditLog.open(join(folder, "audit.log")), (opened) => opened.close());
  const inference = parts.adopt(await startInferenceServer({ ...config.inference, log }), (server) =>
    server.close(),
  );
  const trainer = given ?? parts.adopt(ownTrainer(folder, config, blobs), (own) => own.close());
  const session = parts.adopt(
    new DeviceSession({
      folder,
      log,
      config,
      deviceFolder,
      clock,
      identity,
      store,
      blobs,
      trust,
      audit,
      inference,
      trainer,
      installed: await InstalledModels.open(store),
      mark: await SessionMark.open(store),
      epoch: await openEpoch(store, randomUUID),
    }),
    (started) => started.stop(),
  );
  await session.start();
  log.info({ device: identity.deviceId, url: inference.url, version: packageJson.version }, "agent started");
  const running = parts.move();
  return {
    deviceId: identity.deviceId,
    inferenceUrl: inference.url,
    checkHealth: () => checkHealth(folder, store, inference.url),
    async close() {
      await running.disposeAsync();
      log.info({ device: identity.deviceId }, "agent stopped");
    },
  };
}

function ownTrainer(folder: string, { datasets }: AgentConfig, blobs: FileBlobs): ProcessTrainer {
  const limits = (): Promise<TrainingLimits> => readTrainingLimits(join(folder, "policy.yaml"));
  return new ProcessTrainer({ blobs, datasets, workFolder: join(folder, "work"), limits });
}

async function joinedIdentity(folder: DeviceFolder): Promise<DeviceIdentity> {
  const identity = await loadDeviceIdentity(folder);
  if (identity !== undefined) return identity;
  throw new SelvedgeError("failed_precondition", "this folder has not joined a fleet", {
    at: folder.path,
    fix: "join first: selvedge join https://HOST:7443 --token-file FILE",
  });
}

async function checkHealth(folder: string, store: Store, inferenceUrl: string): Promise<void> {
  await checkFolder(folder);
  await store.list("", { limit: 1 });
  const status = await statusOf(`${inferenceUrl}/healthz`);
  if (status !== 200) {
    throw new SelvedgeError("unavailable", `the model server answers with status ${status}`, {
      at: inferenceUrl,
    });
  }
}

/** Of our own server, under whatever name its certificate is: nothing is told to it. */
async function statusOf(url: string): Promise<number | undefined> {
  const options = { signal: AbortSignal.timeout(healthTimeoutMs), rejectUnauthorized: false };
  const request = url.startsWith("https:") ? httpsGet(url, options) : httpGet(url, options);
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  answer.resume();
  return answer.statusCode;
}

const healthTimeoutMs = 10_000;
