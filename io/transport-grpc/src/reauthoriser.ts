import { setImmediate } from "node:timers/promises";
import { SelvedgeError } from "@selvedge/protocol";

/** Something that lasts, and who does it. */
interface Watch<Principal> {
  readonly principal: Principal;
  check(): Promise<void>;
  onRevoked(error: SelvedgeError): void;
}

/**
 * Asks again, for everything that lasts, whether its caller may still do it:
 * a TLS connection outlives the certificate it was made with.
 */
export class Reauthoriser<Principal> {
  readonly #watches = new Set<Watch<Principal>>();
  readonly #timer: NodeJS.Timeout;
  #rechecks = 0;

  constructor(everyMs: number) {
    this.#timer = setInterval(() => void this.recheck(), everyMs);
    this.#timer.unref();
  }

  /** Grows with each recheck: to be read before a caller is authorised. */
  get rechecks(): number {
    return this.#rechecks;
  }

  /**
   * @param since - `rechecks` of before the caller was authorised: what a recheck
   *   in between would have found is found now.
   * @returns a function that stops watching.
   */
  watch(watch: Watch<Principal>, since: number): () => void {
    this.#watches.add(watch);
    if (since !== this.#rechecks) void this.#recheckOne(watch);
    return () => this.#watches.delete(watch);
  }

  /** Checks everything now, or all of some callers; a check that throws ends what it watches. */
  async recheck(isMeant: (principal: Principal) => boolean = () => true): Promise<void> {
    this.#rechecks += 1;
    const meant = [...this.#watches].filter(({ principal }) => isMeant(principal));
    for (let start = 0; start < meant.length; start += batchSize) {
      // Ten thousand sessions at once would keep everybody else waiting.
      if (start > 0) await setImmediate();
      await Promise.all(meant.slice(start, start + batchSize).map((watch) => this.#recheckOne(watch)));
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#watches.clear();
  }

  async #recheckOne(watch: Watch<Principal>): Promise<void> {
    if (!this.#watches.has(watch)) return;
    try {
      await watch.check();
    } catch (thrown) {
      if (this.#watches.delete(watch)) watch.onRevoked(SelvedgeError.from(thrown));
    }
  }
}

const batchSize = 256;

/** The same messages, until `revoke` is called; then throws what it was given. */
export function revocable<T>(messages: AsyncIterable<T>): {
  readonly messages: AsyncIterable<T>;
  revoke(error: Error): void;
} {
  let revoked: Error | undefined;
  let rejectNext: (error: Error) => void = () => {};
  async function* guarded(): AsyncIterable<T> {
    const iterator = messages[Symbol.asyncIterator]();
    try {
      for (;;) {
        // Promise.race would keep a reaction per message for the stream's life.
        const result = await new Promise<IteratorResult<T>>((resolve, reject) => {
          rejectNext = reject;
          if (revoked !== undefined) reject(revoked);
          else iterator.next().then(resolve, reject);
        });
        if (result.done === true) return;
        yield result.value;
      }
    } finally {
      // Not awaited: the handler may sit in a read that only its signal ends.
      iterator.return?.().catch(() => {});
    }
  }
  return {
    messages: guarded(),
    revoke(error) {
      revoked = error;
      rejectNext(error);
    },
  };
}
