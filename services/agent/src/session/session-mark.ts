import type { Store } from "@selvedge/storage";

/**
 * The newest mark that the coordinator gave this device: what tells it from a
 * copy of its folder (SPEC EN33). It lives with the device's state, so that
 * both are copied, lost or restored together.
 */
export class SessionMark {
  readonly #store: Store;
  #newest: Uint8Array;

  private constructor(store: Store, newest: Uint8Array) {
    this.#store = store;
    this.#newest = newest;
  }

  static async open(store: Store): Promise<SessionMark> {
    return new SessionMark(store, await read(store));
  }

  /** Empty when there is none yet. */
  get newest(): Uint8Array {
    return this.#newest;
  }

  /** Resolves once it is durable. @throws what the store throws. */
  async keep(mark: Uint8Array): Promise<void> {
    try {
      await this.#store.commit({ writes: [{ key, value: Buffer.from(mark).toString("base64url") }] });
      this.#newest = mark;
    } catch (thrown) {
      // It may be there all the same: what is shown next must be what a restart would show.
      this.#newest = await read(this.#store);
      throw thrown;
    }
  }
}

async function read(store: Store): Promise<Uint8Array> {
  const stored = await store.read(key);
  return Buffer.from((stored?.value as string | undefined) ?? "", "base64url");
}

const key = "session-mark";
