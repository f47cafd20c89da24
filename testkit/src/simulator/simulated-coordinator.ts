import {
  AuditLog,
  type DeviceRecord,
  type DeviceRegistry,
  FleetSession,
  InstallReports,
  type JobBoard,
  JobRecords,
  newDevice,
  OperatorTokens,
  openDeviceRegistry,
  openSessionRatchet,
} from "@selvedge/coordinator";
import { type ErrorCode, type JobEffect, type SeededRandom, SelvedgeError } from "@selvedge/protocol";
import { ImageStore, ReleaseRepository } from "@selvedge/registry";
import {
  type BlobStore,
  type JournalHooks,
  openEpoch,
  openMemoryStore,
  type Store,
  type Timers,
} from "@selvedge/storage";
import type { Link } from "@selvedge/transport";
import { killHooks } from "./kill-hooks.ts";
import { operatorKeys } from "./simulated-job.ts";
import type { SimulatedLink } from "./simulated-link.ts";
import { type Machine, type NodeParts, SimulatedNode } from "./simulated-node.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { initialMetadata, releaseKeys } from "./simulated-releases.ts";

/** What a coordinator is built on. A test plants a bug by giving it something that is not as it should be. */
export interface Foundations {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly timers: Timers;
  readonly hooks: JournalHooks<JobEffect>;
  /** A device's connection, as its listener hands it on. */
  readonly accept: (link: Link) => Link;
}

export type Plant = (sound: Foundations) => Foundations;

export interface Running {
  readonly devices: DeviceRegistry;
  readonly process: SimulatedProcess;
  readonly session: FleetSession;
  readonly board: JobBoard;
  readonly blobs: BlobStore;
  readonly repository: ReleaseRepository;
  readonly accept: (link: Link) => Link;
}

/** The coordinator's production code, on a disk that survives it. */
export class SimulatedCoordinator extends SimulatedNode {
  readonly #plant: Plant;
  #running: Running | undefined;

  constructor(parts: NodeParts, plant: Plant = (sound) => sound) {
    super("coordinator", parts);
    this.#plant = plant;
  }

  /** Writes devices down as enrolled, before it starts. */
  async enrol(devices: readonly string[]): Promise<void> {
    const store = openMemoryStore(this.disk.records);
    const registry = await openDeviceRegistry(store);
    for (const id of devices) {
      const record: DeviceRecord = {
        ...newDevice,
        id,
        name: id,
        group: "",
        tags: [],
        tokenId: "simulated",
        keyDigest: id,
        enrolledAtMs: this.parts.time.now,
        certificateSerial: "",
        certificateExpiresAtMs: this.parts.time.now,
        standing: { state: "active", reason: "", sinceMs: this.parts.time.now },
      };
      await store.commit({ writes: registry.addition(record) });
    }
  }

  /** As its gatekeeper does on every request. @throws SelvedgeError `unauthenticated`. */
  authorise(device: string): void {
    if (this.#running?.devices.barredWhy(device) !== undefined)
      throw new SelvedgeError("unauthenticated", "this device has no part in the fleet");
  }

  get isUp(): boolean {
    return this.#running !== undefined;
  }

  /**
   * Asks its process something, as over a connection of its own.
   *
   * @throws SelvedgeError `unavailable` while it is down, and when it dies before it answers.
   */
  async answer<T>(question: (running: Running) => Promise<T>): Promise<T> {
    const running = this.#require();
    const { promise, reject } = Promise.withResolvers<never>();
    const forget = running.process.onEnd(() => reject(isDown()));
    try {
      return await Promise.race([question(running), promise]);
    } finally {
      forget();
    }
  }

  accept(device: string, link: SimulatedLink): void {
    const { accept, process, session } = this.#require();
    const forget = process.onEnd((ending) => {
      if (ending === "powerCut") link.goDeaf("to-coordinator", "to-device");
      else link.coordinator.close("the coordinator died");
    });
    const { rounds } = this.parts.observer;
    rounds.arrived(device);
    link.coordinator.onClose(() => {
      forget();
      rounds.left(device);
    });
    session.hub.accept(accept(link.coordinator), { deviceId: device });
  }

  protected override async run({ process, store, blobs, random }: Machine): Promise<void> {
    const { faults, observer } = this.parts;
    const hooks = killHooks<JobEffect>(this.name, faults, {
      afterCommit: (transaction) => observer.rounds.committed(transaction),
      beforeEffect: (job, effect) => {
        if (effect.type === "openRound") observer.rounds.opens(job);
      },
    });
    const accept = (link: Link): Link => link;
    const foundations = this.#plant({ store, blobs, timers: process, hooks, accept });
    const repository = await this.#openRepository(foundations.store);
    const devices = await openDeviceRegistry(foundations.store);
    const session = await this.#openSession(process, foundations, { devices, repository, random });
    await session.start();
    if (!process.alive) return;
    const { board } = session;
    this.#running = {
      devices,
      process,
      session,
      board,
      repository,
      blobs: foundations.blobs,
      accept: foundations.accept,
    };
    process.onEnd(() => {
      this.#running = undefined;
    });
    await repository.refresh();
    process.every(refreshEveryMs, () => this.follow(process, repository.refresh()));
  }

  #require(): Running {
    if (this.#running === undefined) throw isDown();
    return this.#running;
  }

  async #openRepository(store: Store): Promise<ReleaseRepository> {
    const options = { store, onlineKey: releaseKeys.online, now: () => this.clock.wall() };
    try {
      return await ReleaseRepository.open(options);
    } catch (thrown) {
      if (SelvedgeError.from(thrown).code !== "not_found") throw thrown;
      return ReleaseRepository.create({ ...options, initial: initialMetadata });
    }
  }

  async #openSession(
    process: SimulatedProcess,
    { blobs, hooks, store, timers }: Foundations,
    { devices, repository, random }: SessionParts,
  ): Promise<FleetSession> {
    const { faults, trace } = this.parts;
    const now = (): number => this.clock.wall();
    const isReleased = (name: string, version: bigint): boolean =>
      repository.releases().some((one) => one.name === name && BigInt(one.version) === version);
    return new FleetSession({
      fleet: {
        store,
        blobs,
        operatorKey: operatorKeys[0],
        signing: { repository, roundKey: releaseKeys.round },
        devices,
        installs: await InstallReports.open(store, isReleased),
        images: await ImageStore.open(store, blobs),
        records: new JobRecords(store),
        audit: await AuditLog.open(store, now),
        operatorTokens: await OperatorTokens.open({ store, now, rootPin: () => new Uint8Array(32) }),
        ratchet: await openSessionRatchet(store, (bytes) => randomBytes(random, bytes)),
        epoch: await openEpoch(store, () => "coordinator-epoch"),
      },
      trustBundle: () => [],
      evaluator: {
        mismatch: async () => null,
        evaluate: async () => {
          await process.sleep(200);
          if (faults.strikes("evaluationFailure", this.name))
            throw new SelvedgeError("unavailable", "the evaluation process died");
          return { accuracy: 0.5 };
        },
      },
      evaluationDatasets: new Set(["held-out"]),
      memoryBytesMax: Number.POSITIVE_INFINITY,
      diskBytesFree: async () => Number.POSITIVE_INFINITY,
      softwareVersion: "simulated",
      clock: this.clock,
      timers,
      log: {
        info: (fields: LogFields, message) => {
          if (process.alive && fields.device !== undefined)
            trace.add(`${this.name}: ${fields.device} ${message} ${fields.reason ?? ""}`);
        },
        warn: (fields: LogFields, message) => this.#logged(process, fields, message),
        error: (fields: LogFields, message) => this.#logged(process, fields, message),
      },
      recheckDevice: async () => {},
      onHalt: (error) => this.halted(process, error),
      hooks,
    });
  }

  #logged(process: SimulatedProcess, fields: LogFields, message: string): void {
    const error = SelvedgeError.from(fields.err ?? new SelvedgeError(fields.code ?? "unavailable", message));
    this.trouble(process, fields.what ?? message, error);
  }
}

interface SessionParts {
  readonly devices: DeviceRegistry;
  readonly repository: ReleaseRepository;
  readonly random: SeededRandom;
}

interface LogFields {
  readonly err?: unknown;
  readonly code?: ErrorCode;
  readonly what?: string;
  readonly device?: string;
  readonly reason?: string;
}

function randomBytes(random: SeededRandom, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, () => random.integer(256));
}

function isDown(): SelvedgeError {
  return new SelvedgeError("unavailable", "the coordinator is down");
}

const refreshEveryMs = 3_600_000;
