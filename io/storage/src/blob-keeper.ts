import type { BlobReference, Digest } from "@selvedge/protocol";
import type { BlobStore } from "./blob-store.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import type { ClockSource } from "./steady-clock.ts";
import type { Timers } from "./timers.ts";

export interface BlobKeeperOptions {
  readonly blobs: BlobStore;
  /** Digests of every blob that what is stored names, as it is now: the one answer of this process. */
  needed(): Iterable<string>;
  readonly clock: Pick<ClockSource, "monotonic">;
  readonly timers: Pick<Timers, "after">;
  /** A blob that nobody has needed for so long is swept, ms. */
  readonly graceMs: number;
  onError(error: unknown): void;
}

/** What work that makes blobs needs of a store. */
export type BlobWorkspace = Pick<BlobStore, "get" | "put" | "stream">;

/**
 * Decides when blobs go. Equal contents share one blob, so only who sees all
 * that is stored may delete: a blob goes when nothing names it and nobody holds
 * it. Between storing a blob and committing the state that names it, its maker
 * holds it; deleting a blob and making sure that it is there take turns.
 *
 * What is left behind because work was called off or came too late is swept: at
 * the start, every ten minutes, and when told that work has ended (SPEC ST5).
 */
export class BlobKeeper {
  readonly #options: BlobKeeperOptions;
  readonly #turns = new KeyedQueue();
  /** By holder: what it holds, and until when on the monotonic clock. */
  readonly #held = new Map<string, Map<string, number>>();
  /** What the last sweep found to be of no use: since when, and its bytes then. */
  #idle: ReadonlyMap<Digest, Idle> = new Map();
  #holders = 0;
  #keepAll = 0;
  #isSweepQueued = false;
  #cancelTimer: () => void = () => {};
  #sweeping: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: BlobKeeperOptions) {
    this.#options = options;
  }

  /** Deletes at once every blob that nothing names: call it while nothing is under way. From then on it sweeps. */
  async start(): Promise<void> {
    const unnamed: Digest[] = [];
    for await (const { digest } of this.#options.blobs.list()) unnamed.push(digest);
    await this.discard(unnamed);
    this.#arm(everyMs);
  }

  /** Waits for a sweep under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer();
    await this.#sweeping;
  }

  /** The store as `holder` uses it: what it puts stays until `release(holder)`. */
  workspace(holder: string): BlobWorkspace {
    const { blobs } = this.#options;
    return {
      get: (digest, options) => blobs.get(digest, options),
      stream: (digest, start, end) => blobs.stream(digest, start, end),
      put: (bytes) => this.put(holder, bytes),
    };
  }

  /** Stores a blob that stays until `release(holder)`. */
  async put(holder: string, bytes: Uint8Array): Promise<BlobReference> {
    const { blobs } = this.#options;
    const reference = await blobs.put(bytes);
    await this.hold(holder, reference.digest);
    // Equal bytes may have been on their way out when these were put.
    return (await blobs.stat(reference.digest)) ?? blobs.put(bytes);
  }

  /** Runs `work` with a holder of its own, released at its end. */
  async holding<T>(work: (holder: string) => Promise<T>): Promise<T> {
    this.#holders += 1;
    const holder = `work ${this.#holders}`;
    try {
      return await work(holder);
    } finally {
      this.release(holder);
    }
  }

  /**
   * A blob stays, once it is there, until `release(holder)`, or for `forMs`.
   * Resolves when no delete of it is under way any more.
   */
  async hold(holder: string, digest: Digest, forMs: number = Number.POSITIVE_INFINITY): Promise<void> {
    const held = this.#held.get(holder) ?? new Map<string, number>();
    this.#held.set(holder, held.set(digest, this.#options.clock.monotonic() + forMs));
    await this.turn(digest, async () => {});
  }

  /** Whether a blob goes that `holder` held is up to others from now on. */
  release(holder: string): void {
    this.#held.delete(holder);
  }

  /** Runs `work` while nobody deletes this blob. */
  turn<T>(digest: Digest, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(digest, work);
  }

  /** Runs `work` while no blob is deleted at all; what would have been is left to a sweep. */
  async keepingAll<T>(work: () => Promise<T>): Promise<T> {
    this.#keepAll += 1;
    try {
      await this.#turns.drained();
      return await work();
    } finally {
      this.#keepAll -= 1;
    }
  }

  /** Deletes those of `digests` that nothing names and nobody holds, and their unfinished uploads. */
  async discard(digests: readonly Digest[]): Promise<void> {
    const needed = new Set(this.#options.needed());
    for (const digest of digests) {
      if (needed.has(digest)) continue;
      await this.turn(digest, async () => {
        if (this.#isIdle(digest)) await this.#options.blobs.delete(digest);
      });
    }
  }

  /** Work has ended: sweeps now, and again when the grace time of what it left is over. */
  sweepSoon(): void {
    if (this.#isSweepQueued) return;
    this.#isSweepQueued = true;
    this.#cancelTimer();
    this.#sweeping = this.#sweeping.then(() => this.#sweep());
  }

  async #sweep(): Promise<void> {
    this.#isSweepQueued = false;
    if (this.#isStopped) return;
    this.#forgetExpired();
    let nextMs = everyMs;
    try {
      nextMs = await this.#deleteOverdue();
    } catch (error) {
      this.#options.onError(error);
    }
    this.#arm(nextMs);
  }

  /** @returns when to look again, ms. */
  async #deleteOverdue(): Promise<number> {
    const { blobs, clock, graceMs, needed } = this.#options;
    const now = clock.monotonic();
    const named = new Set(needed());
    const idle = new Map<Digest, Idle>();
    const overdue: Digest[] = [];
    let nextMs = everyMs;
    const look = ({ digest, length }: BlobReference, patienceMs: number): void => {
      if (named.has(digest) || this.#isHeld(digest)) return;
      const known = this.#idle.get(digest);
      const since = known?.length === length ? known.since : now;
      const leftMs = since + patienceMs - now;
      if (leftMs <= 0) overdue.push(digest);
      else idle.set(digest, { since, length });
      if (leftMs > 0) nextMs = Math.min(nextMs, leftMs);
    };
    for await (const upload of blobs.uploads()) look(upload, uploadPatienceMs);
    for await (const blob of blobs.list()) look(blob, graceMs);
    this.#idle = idle;
    await this.discard(overdue);
    return nextMs;
  }

  #forgetExpired(): void {
    const now = this.#options.clock.monotonic();
    for (const [holder, held] of this.#held) {
      for (const [digest, until] of held) if (until <= now) held.delete(digest);
      if (held.size === 0) this.#held.delete(holder);
    }
  }

  #isIdle(digest: Digest): boolean {
    if (this.#keepAll > 0 || this.#isHeld(digest)) return false;
    for (const needed of this.#options.needed()) if (needed === digest) return false;
    return true;
  }

  #isHeld(digest: string): boolean {
    const now = this.#options.clock.monotonic();
    return [...this.#held.values()].some((held) => (held.get(digest) ?? Number.NEGATIVE_INFINITY) > now);
  }

  #arm(ms: number): void {
    this.#cancelTimer();
    if (!this.#isStopped) this.#cancelTimer = this.#options.timers.after(ms, () => this.sweepSoon());
  }
}

interface Idle {
  readonly since: number;
  readonly length: number;
}

const everyMs = 600_000;
/** An upload that has not grown for so long was given up. */
const uploadPatienceMs = 7 * 24 * 3_600_000;
