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
    const stored = await store.read(key);
    return new SessionMark(store, Buffer.from((stored?.value as string | undefined) ?? "", "base64url"));
  }

  /** Empty when there is none yet. */
  get newest(): Uint8Array {
    return this.#newest;
  }

  /** Resolves once it is durable. */
  async keep(mark: Uint8Array): Promise<void> {
    await this.#store.commit({ writes: [{ key, value: Buffer.from(mark).toString("base64url") }] });
    this.#newest = mark;
  }
}

const key = "session-mark";
