import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { freemem } from "node:os";
import { type Evaluator, JobBoard, JobRecords, ModelLayouts, type Strategies } from "@selvedge/coordinator";
import {
  type Digest,
  digestOf,
  type EnvelopeBody,
  type JobState,
  lastTimeOf,
  type Offer,
  parseDigest,
  type Receipt,
  type ReceiptVerdict,
  rawPublicKey,
  signPlan,
  Verdict,
} from "@selvedge/protocol";
import { machineMemoryBytes } from "@selvedge/runtime";
import {
  BlobKeeper,
  type BlobStore,
  type MemoryRecords,
  openMemoryBlobStore,
  openMemoryStore,
  systemTimers,
} from "@selvedge/storage";
import type { Moment } from "./checkpoint.ts";
import type { VirtualAnswer } from "./virtual-device.ts";

export interface VirtualFleetOptions {
  readonly plan: Uint8Array;
  readonly model: Uint8Array;
  readonly hasEvaluation: boolean;
  readonly evaluator: Evaluator;
  readonly strategies: Strategies | undefined;
  readonly clients: () => readonly string[];
  /** Where an earlier process left off; empty at first. */
  readonly from: Moment;
  invite(client: string, offer: Offer): void;
  receipt(client: string, digest: string, verdict: ReceiptVerdict): void;
  /** After each change. */
  onState(state: JobState): void;
}

/**
 * A coordinator's own jobs code, its records and blobs in memory, its clock one that stands still but
 * when nothing else is left to happen.
 */
export class VirtualFleet {
  readonly #options: VirtualFleetOptions;
  readonly #records: MemoryRecords;
  readonly #archive: MemoryRecords = new Map();
  readonly #blobs: Map<Digest, Uint8Array>;
  readonly #store: BlobStore;
  readonly #keeper: BlobKeeper;
  readonly #board: JobBoard;
  readonly #jobRecords: JobRecords;
  readonly #operator: KeyObject = generateKeyPairSync("ed25519").privateKey;
  #now = epochMs;
  #failure: unknown;

  constructor(options: VirtualFleetOptions) {
    this.#options = options;
    this.#records = options.from.records;
    this.#blobs = new Map(options.from.blobs);
    this.#store = sharingStore(this.#blobs);
    this.#keeper = this.#createKeeper();
    this.#jobRecords = new JobRecords(openMemoryStore(this.#archive));
    this.#board = this.#createBoard();
    this.#board.subscribe((_job, state) => {
      if (state !== undefined) this.#options.onState(state);
    });
  }

  get state(): JobState | undefined {
    return this.#board.get(job);
  }

  /** Goes on from where the last process was, or begins. @throws SelvedgeError as `JobBoard.run` */
  async start(): Promise<void> {
    const signature = signPlan(this.#options.plan, this.#operator);
    const publicKey = rawPublicKey(createPublicKey(this.#operator));
    await this.#jobRecords.writeSignature(job, { ...signature, publicKey });
    await this.#board.start();
    const { model, plan, hasEvaluation } = this.#options;
    if (this.state === undefined) {
      await this.#store.put(model);
      await this.#board.run({ job, plan, signature, evaluationDataset: hasEvaluation ? evaluation : null });
    } else this.#now = Math.max(this.#now, lastTimeOf(this.state));
  }

  /** Resolves when the coordinator waits for clients or for time to pass. @throws what made it halt */
  async idle(): Promise<void> {
    await this.#board.idle();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Lets time pass until the coordinator next does something by itself. @returns whether it ever does */
  async pass(): Promise<boolean> {
    const at = this.#board.wakeAt(job);
    if (at === undefined) return false;
    this.#now = Math.max(this.#now, at);
    await this.#board.tick(job);
    return true;
  }

  /** Takes in what a client answered. */
  async take(client: string, { job, round }: Offer, answer: VirtualAnswer): Promise<void> {
    if (answer.kind !== "result") {
      const { kind, reason } = answer;
      return this.#board.reply(client, job, { round, answer: { kind, reason } });
    }
    const { bytes, digest, submission } = answer;
    await this.#keeper.holding(async (holder) => {
      await this.#keeper.hold(holder, digest);
      this.#blobs.set(digest, bytes);
      await this.#board.submit(client, submission);
    });
  }

  /** @throws SelvedgeError `not_found` */
  blob(digest: Digest): Promise<Uint8Array> {
    return this.#store.get(digest);
  }

  /** As it is now, for a checkpoint. */
  moment(): Moment {
    for (const key of this.#archive.keys()) if (key.startsWith("round/")) this.#archive.delete(key);
    const blobs = new Map<Digest, Uint8Array>();
    for (const name of this.#board.blobs()) {
      const digest = parseDigest(name, "blob digest");
      const bytes = this.#blobs.get(digest);
      if (bytes !== undefined) blobs.set(digest, bytes);
    }
    return { records: new Map(this.#records), blobs };
  }

  async stop(): Promise<void> {
    await this.#board.stop();
  }

  #createKeeper(): BlobKeeper {
    return new BlobKeeper({
      blobs: this.#store,
      needed: () => this.#board.blobs(),
      clock: { monotonic: () => 0 },
      timers: { after: () => () => undefined },
      graceMs: 0,
      onError: (error) => this.#fail(error),
    });
  }

  #createBoard(): JobBoard {
    const { clients, evaluator, hasEvaluation, strategies } = this.#options;
    return new JobBoard({
      store: openMemoryStore(this.#records),
      blobs: this.#store,
      keeper: this.#keeper,
      records: this.#jobRecords,
      layouts: new ModelLayouts(this.#store),
      evaluator,
      ...(strategies && { strategies }),
      operatorKeys: () => [createPublicKey(this.#operator)],
      evaluationDatasets: new Set(hasEvaluation ? [evaluation] : []),
      memoryBytesMax: machineMemoryBytes(),
      // Its disk is memory.
      diskBytesFree: async () => freemem(),
      eligible: clients,
      released: () => undefined,
      setsOf: () => ({ group: "", tags: [] }),
      factsOf: () => ({ memoryBytes: 0, cores: 0, architecture: "", group: "", tags: [] }),
      barredWhy: () => undefined,
      send: (client, body) => this.#send(client, body),
      signRound: () => new Uint8Array(),
      now: () => this.#now,
      setAlarm: () => {},
      sleep: systemTimers.sleep,
      onTrouble: (_job, _what, error) => {
        // What is not the environment's doing ends the job, which says why.
        if (error.culprit === "environment") this.#fail(error);
      },
      onHalt: (error) => this.#fail(error),
    });
  }

  #send(client: string, body: EnvelopeBody): boolean {
    if (body.case === "offer") this.#options.invite(client, body.value);
    if (body.case === "receipt") this.#receipt(client, body.value);
    return true;
  }

  #receipt(client: string, { digest, verdict }: Receipt): void {
    const known = verdicts[verdict];
    if (known !== undefined) this.#options.receipt(client, digest, known);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }
}

/** One that hands out and takes in bytes without copying them: nobody in this process changes any. */
function sharingStore(blobs: Map<Digest, Uint8Array>): BlobStore {
  const copying = openMemoryBlobStore({ blobs, uploads: new Map() });
  return {
    put: async (bytes) => {
      const reference = { digest: digestOf(bytes), length: bytes.length };
      blobs.set(reference.digest, bytes);
      return reference;
    },
    get: async (digest, options) => blobs.get(digest) ?? copying.get(digest, options),
    stat: (digest) => copying.stat(digest),
    stream: (digest, start, end) => copying.stream(digest, start, end),
    delete: (digest) => copying.delete(digest),
    uploadOffset: (digest) => copying.uploadOffset(digest),
    append: (reference, offset, chunk) => copying.append(reference, offset, chunk),
    list: () => copying.list(),
    uploads: () => copying.uploads(),
  };
}

const job = "simulation";
/** What the coordinator calls its data. */
const evaluation = "evaluation";
/** 2000-01-01: any day would do. */
const epochMs = 946_684_800_000;

const verdicts: Readonly<Partial<Record<Verdict, ReceiptVerdict>>> = {
  [Verdict.ACCEPTED]: "accepted",
  [Verdict.REFUSED]: "refused",
  [Verdict.ROUND_CLOSED]: "roundClosed",
};
