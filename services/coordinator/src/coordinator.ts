import { createPublicKey, X509Certificate } from "node:crypto";
import { isIPv6 } from "node:net";
import type { DatasetSource } from "@selvedge/datasets";
import { type JobEffect, limits, rawPublicKey } from "@selvedge/protocol";
import { machineMemoryBytes } from "@selvedge/runtime";
import {
  type BlobStore,
  checkFolder,
  freeDiskBytes,
  type JournalHooks,
  type SnapshotStore,
  systemSource,
  systemTimers,
} from "@selvedge/storage";
import {
  blobRoutes,
  type Gateway,
  type GatewayTls,
  type HttpRoute,
  startGateway,
  type Traffic,
} from "@selvedge/transport-grpc";
import type { Logger } from "pino";
import packageJson from "../package.json" with { type: "json" };
import { RefusalLog } from "./audit/refusal-log.ts";
import { removeOldSnapshots, writeSnapshot } from "./backup/snapshot.ts";
import { type Fleet, openFleet } from "./fleet.ts";
import { registerServices } from "./fleet-services.ts";
import { FleetSession } from "./fleet-session.ts";
import { httpRoutes } from "./http-routes.ts";
import { createCallLimits } from "./identity/call-limits.ts";
import type { Authority } from "./identity/certificate-authority.ts";
import { createChallenges } from "./identity/challenges.ts";
import { createEnrolmentService, type FleetTrust } from "./identity/enrolment-service.ts";
import { createGatekeeper } from "./identity/gatekeeper.ts";
import { IdentityRotation } from "./identity/identity-rotation.ts";
import type { IdentitySettings } from "./identity/identity-settings.ts";
import type { Principal } from "./identity/principal.ts";
import { createRenewalService } from "./identity/renewal-service.ts";
import { checkRoutes } from "./identity/routes.ts";
import { createTurns } from "./identity/turns.ts";
import { openRegistry, type Registry } from "./images/open-registry.ts";
import { ProcessEvaluator } from "./jobs/process-evaluator.ts";
import { coordinatorMetrics } from "./metrics/coordinator-metrics.ts";
import { openStore } from "./open-store.ts";
import { writeOperatorFile } from "./operators/operator-file.ts";

export interface CoordinatorOptions {
  /** Everything the coordinator keeps; made when absent. */
  readonly folder: string;
  /** `postgres://…`: where records are kept instead of the folder; keys and blobs stay in it. Never shown. */
  readonly storeUrl?: string;
  /** Address to listen on. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Names and addresses that devices dial; the certificate is made out to them. */
  readonly hosts: readonly string[];
  readonly trustDomain: string;
  /** How devices that are out of reach are treated; what is not given stays as it was. */
  readonly identity?: Partial<IdentitySettings>;
  /** The coordinator's own data, to evaluate rounds on. */
  readonly datasets: ReadonlyMap<string, DatasetSource>;
  /**
   * Resident memory that evaluating a model here may take, and training one on a device, bytes;
   * half of this machine's when absent.
   */
  readonly memoryBytesMax?: number;
  readonly log: Logger;
  /** For crash tests: called around every durable effect of a job. */
  readonly hooks?: JournalHooks<JobEffect>;
}

export interface Coordinator {
  readonly url: string;
  readonly port: number;
  /** Names of all that its port serves; see `routes` for who may use each. */
  readonly routes: readonly string[];
  /**
   * Checks that this coordinator can do its work.
   * @throws SelvedgeError for a folder or a store that cannot be read or written
   */
  checkHealth(): Promise<void>;
  /** Ends sessions and stops; what was accepted is durable already. */
  close(): Promise<void>;
}

/**
 * Starts a coordinator on its folder: opens or makes its keys, goes on with
 * every job where it stopped, and listens.
 *
 * @throws SelvedgeError `unavailable` when the port or the folder is in use,
 *   `corrupt` or `untrusted` when the folder is damaged.
 */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const store = await openStore({ ...options, onLost: (error) => endProcess(options.log, error) });
  try {
    return await start(options, store);
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

async function start(options: CoordinatorOptions, store: SnapshotStore): Promise<Coordinator> {
  const { folder, log, datasets } = options;
  const now = Date.now;
  const fleet = await openFleet(store, { ...options, now });
  const { memoryBytesMax = machineMemoryBytes() / 2 } = options;
  const evaluator = new ProcessEvaluator(fleet.blobs, datasets, memoryBytesMax);
  let opened: Gateway<Principal> | undefined;
  const session = new FleetSession({
    fleet,
    evaluator,
    evaluationDatasets: new Set(datasets.keys()),
    memoryBytesMax,
    diskBytesFree: () => freeDiskBytes(folder),
    softwareVersion: packageJson.version,
    clock: systemSource,
    timers: systemTimers,
    log,
    trustBundle: () => fleet.authority.trustBundle,
    // Before the port is open nobody is connected.
    recheckDevice: async (device) => opened?.recheck((principal) => isDevice(principal, device)),
    onHalt: (error) => endProcess(log, error),
    ...(options.hooks === undefined ? {} : { hooks: options.hooks }),
  });
  const snapshot = (): Promise<string> =>
    session.keepingBlobs(() => writeSnapshot(folder, store, fleet.blobs));
  const registry = await openRegistry({ fleet, folder, session, log, timers: systemTimers, now });
  const gateway = await openGateway(options, fleet, session, registry, snapshot).catch(
    async (thrown: unknown) => {
      // What is under way without it, such as the next sweep, would keep the process alive.
      await registry.close();
      await session.stop();
      await evaluator.close();
      throw thrown;
    },
  );
  opened = gateway;
  registry.releaseImages.prepareAll();
  const url = `https://${urlHost(options.hosts[0] ?? options.host)}:${gateway.port}`;
  const failed = (message: string) => (error: unknown) => log.error({ err: error }, message);
  const inTurn = createTurns();
  const writeFile = () => inTurn(() => writeOperatorFile({ ...fleet, folder, url }));
  await writeFile();
  fleet.authority.onChange(() => {
    gateway.setTls(tlsOf(fleet.authority));
    const expiresAtMs = new X509Certificate(fleet.authority.server.chain).validToDate.getTime();
    log.info({ expiresAtMs }, "the coordinator's certificate or roots were replaced");
    session.announceTrust();
    writeFile().catch(failed("operator.json could not be written anew: it may name an old root"));
  });
  const tidy = () => removeOldSnapshots(folder, now()).catch(failed("old snapshots could not be removed"));
  await tidy();
  const refresh = setInterval(() => {
    fleet.signing.repository.refresh().catch(failed("metadata refresh failed"));
    fleet.authority.refresh(now()).catch(failed("certificate renewal failed"));
    void tidy();
  }, refreshEveryMs);
  log.info({ url, trustDomain: options.trustDomain, version: packageJson.version }, "coordinator started");
  return {
    url,
    port: gateway.port,
    routes: gateway.routes,
    async checkHealth() {
      await checkFolder(folder);
      await store.list("", { limit: 1 });
    },
    async close() {
      clearInterval(refresh);
      await session.stop();
      await gateway.close();
      await registry.close();
      await evaluator.close();
      await store.close();
      log.info({ url }, "coordinator stopped");
    },
  };
}

/** Jobs are loaded before the first device can connect. */
async function openGateway(
  options: CoordinatorOptions,
  fleet: Fleet,
  session: FleetSession,
  registry: Registry,
  snapshot: () => Promise<string>,
): Promise<Gateway<Principal>> {
  const { log, trustDomain } = options;
  const now = Date.now;
  const { authority, blobs, devices, operatorTokens, signing } = fleet;
  const { admission, hub, board } = session;
  const refusals = new RefusalLog(fleet.audit, now, (error) =>
    log.error({ err: error }, "a refusal could not be recorded in the audit log"),
  );
  const challenges = createChallenges(now);
  const enrolment = createEnrolmentService({ ...fleet, challenges, trust: () => trustOf(fleet), log, now });
  const { graceWindowMs } = fleet.identity;
  const renewal = createRenewalService({ ...fleet, challenges, admission, graceWindowMs, log, now });
  await session.start();
  const gateway: Gateway<Principal> = await startGateway<Principal>({
    host: options.host,
    port: options.port,
    tls: tlsOf(authority),
    services: (router, principalOf) =>
      registerServices(router, principalOf, {
        enrolment,
        refusals,
        renewal,
        rotation: new IdentityRotation({ authority, devices, now }),
        hub,
        images: fleet.images,
        releaseImages: registry.releaseImages,
        admission,
        snapshot,
        operators: {
          ...fleet,
          softwareVersion: packageJson.version,
          trustDomain,
          startedAt: now(),
          board,
          releases: signing.repository,
          online: () => new Set(hub.online().keys()),
          traffic: () => totalOf(gateway.traffic()),
          announceReleases() {
            session.announceReleases();
            registry.releaseImages.prepareAll();
          },
          recheckOperator: (name) => gateway.recheck((principal) => isOperator(principal, name)),
        },
      }),
    httpRoutes: [
      ...openBlobRoutes(blobs, session),
      ...registry.routes,
      ...httpRoutes(
        authority,
        signing.repository,
        coordinatorMetrics({
          standings: () => devices.standings(),
          online: () => hub.online().size,
          jobs: () => board.all(),
          releasedModels: () => signing.repository.releases().length,
          traffic: () => totalOf(gateway.traffic()),
          certificateExpires: () => new X509Certificate(authority.server.chain).validToDate.getTime() / 1_000,
        }),
      ),
    ],
    authorise: createGatekeeper({
      authority,
      devices,
      operatorTokens,
      registryTokens: registry.tokens,
      limits: createCallLimits(now),
      onRefusal: (entry) => refusals.record(entry),
      now,
    }),
    kindOf: (principal) => principal.kind,
    onInternalError: (thrown, route) => log.error({ err: thrown, route }, "internal error"),
  });
  try {
    checkRoutes(gateway.routes);
  } catch (thrown) {
    await gateway.close();
    throw thrown;
  }
  return gateway;
}

/** What operators upload or look at is kept a while, though no job names it yet. */
function openBlobRoutes(store: BlobStore, session: FleetSession): readonly HttpRoute<Principal>[] {
  return blobRoutes<Principal>({
    store,
    // An operator's tools look whether a model is there before they run the job that names it.
    async canRead(principal, digest) {
      if (principal.kind !== "device") await session.hold(digest);
      return true;
    },
    async writeBytesMax(principal, digest) {
      if (principal.kind === "device") return session.board.admitUpload(principal.deviceId, digest);
      await session.hold(digest);
      return limits.blobBytesMax;
    },
  });
}

function isOperator(principal: Principal, name: string): boolean {
  return principal.kind === "operator" && principal.name === name;
}

function isDevice(principal: Principal, device: string): boolean {
  return "deviceId" in principal && principal.deviceId === device;
}

function tlsOf({ clientRoots, server }: Authority): GatewayTls {
  return { key: server.key, cert: server.chain, clientCa: clientRoots.map(String) };
}

/** The state on disk is sound and what is in memory no longer is: start again from disk. */
function endProcess(log: Logger, error: unknown): void {
  log.fatal({ err: error }, "the journal cannot be written: ending");
  process.exitCode = 1;
  process.kill(process.pid, "SIGTERM");
}

function trustOf({ authority, operatorKey, operatorTokens, signing }: Fleet): FleetTrust {
  const { x = "" } = createPublicKey(authority.sealingKey).export({ format: "jwk" });
  return {
    releaseRoot: signing.repository.currentRoot(),
    sealingKey: Buffer.from(x, "base64url"),
    operatorKeys: [operatorKey, ...operatorTokens.planKeys()].slice(0, operatorKeysMax).map(rawPublicKey),
  };
}

/** A device takes no more. */
const operatorKeysMax = 100;

function totalOf(traffic: ReadonlyMap<string, Traffic>): Traffic {
  return [...traffic.values()].reduce(
    (sum, { received, sent }) => ({ received: sum.received + received, sent: sum.sent + sent }),
    { received: 0, sent: 0 },
  );
}

function urlHost(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** Online metadata lives days, the server's certificate a year; half of that is long before it ends. */
const refreshEveryMs = 3_600_000;
