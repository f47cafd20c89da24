import { SelvedgeError } from "@selvedge/protocol";

interface Watch {
  check(): Promise<void>;
  onRevoked(error: SelvedgeError): void;
}

/**
 * Asks again, for everything that lasts, whether its caller may still do it:
 * a TLS connection outlives the certificate it was made with.
 */
export class Reauthoriser {
  readonly #watches = new Set<Watch>();
  readonly #timer: NodeJS.Timeout;

  constructor(everyMs: number) {
    this.#timer = setInterval(() => void this.recheck(), everyMs);
    this.#timer.unref();
  }

  /** @returns a function that stops watching. */
  watch(check: () => Promise<void>, onRevoked: (error: SelvedgeError) => void): () => void {
    const watch: Watch = { check, onRevoked };
    this.#watches.add(watch);
    return () => this.#watches.delete(watch);
  }

  /** Checks everything now; a check that throws ends what it watches. */
  async recheck(): Promise<void> {
    await Promise.all(Array.from(this.#watches, (watch) => this.#recheckOne(watch)));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#watches.clear();
  }

  async #recheckOne(watch: Watch): Promise<void> {
    try {
      await watch.check();
    } catch (thrown) {
      if (this.#watches.delete(watch)) watch.onRevoked(SelvedgeError.from(thrown));
    }
  }
}

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
