import {
  DeviceMail,
  InstallReports,
  JobBoard,
  JobRecords,
  ModelLayouts,
  SessionHub,
} from "@selvedge/coordinator";
import { type EnvelopeBody, type JobEffect, SeededRandom, SelvedgeError } from "@selvedge/protocol";
import type { BlobKeeper, BlobStore, JournalHooks, Store } from "@selvedge/storage";
import type { MemoryLinkPair } from "@selvedge/transport";
import { createKeeper } from "./create-keeper.ts";
import { killHooks } from "./kill-hooks.ts";
import { openSimulatedBlobs, openSimulatedStore } from "./simulated-disk.ts";
import { datasetName, jobRequest, modelBytes, operatorKeys } from "./simulated-job.ts";
import { type NodeParts, SimulatedNode } from "./simulated-node.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

export type SendToDevice = (device: string, body: EnvelopeBody) => boolean;

/** Hooks that a test plants into the coordinator's journal, to see its bug caught. */
export type PlantedHooks = (send: SendToDevice) => JournalHooks<JobEffect>;

export interface Running {
  readonly process: SimulatedProcess;
  readonly hub: SessionHub;
  readonly board: JobBoard;
  readonly blobs: BlobStore;
}

/** The coordinator's production code, on a disk that survives it. */
export class SimulatedCoordinator extends SimulatedNode {
  readonly #planted: PlantedHooks | undefined;
  #running: Running | undefined;

  constructor(parts: NodeParts, planted: PlantedHooks | undefined) {
    super("coordinator", parts);
    this.#planted = planted;
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

  accept(device: string, pair: MemoryLinkPair): void {
    const { hub, process } = this.#require();
    process.onEnd(() => pair.cut("the coordinator died"));
    hub.accept(pair.coordinator, { deviceId: device });
  }

  protected override async run(process: SimulatedProcess): Promise<void> {
    const random = SeededRandom.fromSeed("coordinator disk", this.parts.seed, this.lives);
    const store = openSimulatedStore(this.disk, process, random);
    const blobs = openSimulatedBlobs(this.disk, process, random);
    const mail: { deliver: DeviceMail["deliver"] } = { deliver: async () => undefined };
    const hub = this.#createHub(process, mail, (device) => board.deviceOnline(device));
    const keeper = createKeeper(
      process,
      this.parts.time,
      blobs,
      () => board.blobs(),
      (error) => this.trouble(process, "sweep", SelvedgeError.from(error)),
    );
    const board: JobBoard = this.#createBoard(process, store, blobs, keeper, hub);
    const installs = await InstallReports.open(store, () => false);
    const deviceMail = new DeviceMail(board, installs, (_device, what, error) =>
      this.trouble(process, what, error),
    );
    mail.deliver = (device, envelope) => {
      if (envelope.body.case === "submission") {
        this.parts.observer.submitted(envelope.body.value.contribution?.body?.digest ?? "");
      }
      return deviceMail.deliver(device, envelope);
    };
    await board.start(() => keeper.start());
    if (!process.alive) return;
    this.#running = { process, hub, board, blobs };
    process.onEnd(() => {
      this.#running = undefined;
    });
    await this.#submitJob(board, blobs);
  }

  #require(): Running {
    if (this.#running === undefined) throw isDown();
    return this.#running;
  }

  /** The operator repeats the request until it has been answered. */
  async #submitJob(board: JobBoard, blobs: BlobStore): Promise<void> {
    const request = jobRequest(this.parts.seed);
    if (board.get(request.job) !== undefined) return;
    await blobs.put(modelBytes);
    await board.run(request);
  }

  #createHub(
    process: SimulatedProcess,
    mail: { readonly deliver: DeviceMail["deliver"] },
    online: (device: string) => Promise<void>,
  ): SessionHub {
    return new SessionHub({
      epoch: "coordinator",
      softwareVersion: "simulated",
      now: () => this.parts.time.now,
      admit: async () => ({ kind: "welcome", mark: new Uint8Array() }),
      onBirth: (device) => this.follow(process, online(device)),
      onEnvelope: (device, envelope) => this.follow(process, mail.deliver(device, envelope)),
      onGone: (device, reason) => this.parts.trace.add(`${device} gone: ${reason}`),
      onTrouble: (_device, error) => this.trouble(process, "admission", error),
    });
  }

  #createBoard(
    process: SimulatedProcess,
    store: Store,
    blobs: BlobStore,
    keeper: BlobKeeper,
    hub: SessionHub,
  ): JobBoard {
    const { faults, observer, time } = this.parts;
    const send: SendToDevice = (device, body) => {
      const isSent = hub.send(device, body);
      if (isSent && body.case === "receipt") observer.receiptSent(device, body.value, this.disk);
      return isSent;
    };
    return new JobBoard({
      store,
      blobs,
      keeper,
      records: new JobRecords(store),
      layouts: new ModelLayouts(blobs),
      evaluator: {
        mismatch: async () => null,
        evaluate: async () => {
          await process.sleep(200);
          return { accuracy: 0.5 };
        },
      },
      operatorKeys: () => operatorKeys,
      evaluationDatasets: new Set(["held-out"]),
      memoryBytesMax: Number.POSITIVE_INFINITY,
      barredWhy: () => undefined,
      eligible: (dataset) =>
        [...hub.online()].flatMap(([device, birth]) =>
          dataset === datasetName && birth.datasets.some(({ name }) => name === dataset) ? device : [],
        ),
      send,
      signRound: () => new Uint8Array(),
      now: () => time.now,
      setAlarm: (job, at) => process.setAlarm(job, at, () => this.follow(process, this.#tick(job))),
      sleep: (ms, signal) => process.sleep(ms, signal),
      onTrouble: (_job, what, error) => this.trouble(process, what, error),
      onHalt: (error) => this.halted(process, error),
      hooks: killHooks(this.name, faults, this.#planted?.(send)),
    });
  }

  async #tick(job: string): Promise<void> {
    await this.#running?.board.tick(job);
  }
}

function isDown(): SelvedgeError {
  return new SelvedgeError("unavailable", "the coordinator is down");
}
