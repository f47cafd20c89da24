import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { startInferenceServer } from "@selvedge/inference";
import { SelvedgeError } from "@selvedge/protocol";
import { TrustStore } from "@selvedge/registry";
import {
  checkFolder,
  migrateRecords,
  openEpoch,
  openFileBlobStore,
  openSqliteStore,
} from "@selvedge/storage";
import type { Logger } from "pino";
import packageJson from "../package.json" with { type: "json" };
import { AuditLog } from "./audit-log.ts";
import { readAgentConfig } from "./config/agent-config.ts";
import { readPolicy } from "./config/policy-file.ts";
import { DeviceSession, type DeviceSessionOptions } from "./device-session.ts";
import { DeviceClock } from "./identity/device-clock.ts";
import { openDeviceFolder } from "./identity/device-folder.ts";
import { loadDeviceIdentity } from "./identity/device-identity.ts";
import { recordMigrations } from "./record-migrations.ts";
import { InstalledModels } from "./releases/installed-models.ts";
import { SessionMark } from "./session/session-mark.ts";

export interface AgentOptions {
  /** The folder that `joinFleet` made; all the agent reads and writes is in it. */
  readonly folder: string;
  readonly log: Logger;
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
export async function runAgent({ folder, log }: AgentOptions): Promise<Agent> {
  const deviceFolder = await openDeviceFolder(folder);
  const identity = await loadDeviceIdentity(deviceFolder);
  if (identity === undefined) {
    throw new SelvedgeError("failed_precondition", "this folder has not joined a fleet", {
      at: folder,
      fix: "join first: selvedge join https://HOST:7443 --token-file FILE",
    });
  }
  const config = await readAgentConfig(folder);
  await readPolicy(join(folder, "policy.yaml"));
  const clock = await DeviceClock.open(deviceFolder);
  const database = join(folder, "agent.db");
  const store = await openSqliteStore({ path: database });
  try {
    await migrateRecords(store, database, recordMigrations);
    const blobs = await openFileBlobStore({ root: folder });
    const rootBytes = Buffer.from(identity.releaseRoot);
    const trust = await TrustStore.open({ store, rootBytes, now: () => clock.now() });
    const audit = await AuditLog.open(join(folder, "audit.log"));
    const installed = await InstalledModels.open(store);
    const mark = await SessionMark.open(store);
    const identityParts = { deviceFolder, clock, identity };
    return await start({
      ...identityParts,
      folder,
      log,
      config,
      store,
      blobs,
      trust,
      audit,
      installed,
      mark,
    });
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

/** Serving comes first: it needs no coordinator. */
async function start(parts: Omit<DeviceSessionOptions, "inference" | "epoch">): Promise<Agent> {
  const { audit, config, identity, log, store } = parts;
  const inference = await startInferenceServer({ ...config.inference, log });
  const session = new DeviceSession({ ...parts, inference, epoch: await openEpoch(store, randomUUID) });
  try {
    await session.start();
  } catch (thrown) {
    await inference.close();
    throw thrown;
  }
  log.info({ device: identity.deviceId, url: inference.url, version: packageJson.version }, "agent started");
  return {
    deviceId: identity.deviceId,
    inferenceUrl: inference.url,
    checkHealth: () => checkHealth(parts, inference.url),
    async close() {
      await session.stop();
      await inference.close();
      await audit.close();
      await store.close();
      log.info({ device: identity.deviceId }, "agent stopped");
    },
  };
}

async function checkHealth(
  { folder, store }: Pick<DeviceSessionOptions, "folder" | "store">,
  inferenceUrl: string,
): Promise<void> {
  await checkFolder(folder);
  await store.list("", { limit: 1 });
  const answer = await fetch(`${inferenceUrl}/healthz`, { signal: AbortSignal.timeout(healthTimeoutMs) });
  if (!answer.ok) {
    throw new SelvedgeError("unavailable", `the model server answers with status ${answer.status}`, {
      at: inferenceUrl,
    });
  }
}

const healthTimeoutMs = 10_000;
