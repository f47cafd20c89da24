import { SelvedgeError } from "@selvedge/protocol";
import { readAll } from "./read-all.ts";
import type { Json, Store, Transaction, Write } from "./store.ts";

/**
 * Pure. `state` undefined in: the entity does not exist yet; undefined out: it
 * is deleted. Returning the same object and no effects means "nothing happened".
 */
export type Step<State, Event, Effect> = (
  state: State | undefined,
  event: Event,
) => { readonly state: State | undefined; readonly effects: readonly Effect[] };

/** Points at which crash tests and the simulator kill: a hook that throws halts the runner there. */
export interface JournalHooks<Effect> {
  beforeCommit?(transaction: Transaction): void | Promise<void>;
  afterCommit?(transaction: Transaction): void | Promise<void>;
  beforeEffect?(id: string, effect: Effect, key: string): void | Promise<void>;
  /** After the effect was performed, before that is committed. */
  afterEffect?(id: string, effect: Effect, key: string): void | Promise<void>;
}

/** An effect that was committed and not yet performed for good. */
export interface PendingEffect<Effect> {
  readonly id: string;
  /** Its record's key, never used again: the idempotency key. */
  readonly key: string;
  readonly effect: Effect;
}

/**
 * The records of one kind of entity:
 *
 * - `<kind>/state/<id>`: the entity's state
 * - `<kind>/effect/<id>/<run>-<number>`: one effect still to be performed
 * - `<kind>/run`: how often the journal was opened; keeps effect keys unique for
 *   ever without a counter in every commit, also when an entity is deleted and made anew
 *
 * State and effects are plain JSON (`Store` says what that means). This is the
 * only writer of these keys; a version that does not hold is therefore fatal.
 */
export class Journal<State, Effect> {
  readonly #store: Store;
  readonly #kind: string;
  readonly #versions = new Map<string, number>();
  #run = 0;
  #effects = 0;

  constructor(store: Store, kind: string) {
    if (!/^[a-z][a-z0-9-]{0,31}$/.test(kind)) {
      throw new SelvedgeError("invalid_argument", `journal kind "${kind}"`, {
        fix: "use 1 to 32 lower-case letters, digits and hyphens",
      });
    }
    this.#store = store;
    this.#kind = kind;
  }

  /** Loads everything; effects in the order in which they were decided, per entity. */
  async open(): Promise<{ states: Map<string, State>; effects: readonly PendingEffect<Effect>[] }> {
    const runKey = `${this.#kind}/run`;
    const last = await this.#store.read(runKey);
    this.#run = typeof last?.value === "number" ? last.value + 1 : 1;
    await this.#store.commit({
      writes: [{ key: runKey, expectedVersion: last?.version ?? 0, value: this.#run }],
    });

    const states = new Map<string, State>();
    const statePrefix = this.#stateKey("");
    for await (const { key, version, value } of readAll(this.#store, statePrefix)) {
      const id = key.slice(statePrefix.length);
      states.set(id, value as State);
      this.#versions.set(id, version);
    }
    const effects: PendingEffect<Effect>[] = [];
    const effectPrefix = `${this.#kind}/effect/`;
    for await (const { key, value } of readAll(this.#store, effectPrefix)) {
      const id = key.slice(effectPrefix.length, key.lastIndexOf("/"));
      effects.push({ id, key, effect: value as Effect });
    }
    return { states, effects };
  }

  /** The one transaction of a step: new state, new effects, and the effect whose result it was. */
  plan(
    id: string,
    change: {
      readonly state: State | undefined;
      readonly isChanged: boolean;
      readonly effects: readonly Effect[];
    },
    done: string | undefined,
  ): { readonly transaction: Transaction; readonly effects: readonly PendingEffect<Effect>[] } {
    const effects = change.effects.map((effect) => ({ id, key: this.#nextEffectKey(id), effect }));
    const writes: Write[] = effects.map(({ key, effect }) => ({
      key,
      expectedVersion: 0,
      value: effect as Json,
    }));
    if (done !== undefined) writes.push({ key: done, expectedVersion: 1, value: undefined });
    if (change.isChanged) {
      writes.push({
        key: this.#stateKey(id),
        expectedVersion: this.#versions.get(id) ?? 0,
        value: change.state as Json | undefined,
      });
    }
    return { transaction: { writes }, effects };
  }

  /** A commit that failed because the store did not answer may have happened all the same: then it counts as done. */
  async commit(id: string, transaction: Transaction): Promise<void> {
    try {
      await this.#store.commit(transaction);
    } catch (error) {
      const mayHaveHappened = error instanceof SelvedgeError && error.code === "unavailable";
      if (!mayHaveHappened || !(await this.#hasHappened(transaction))) throw error;
    }
    const write = transaction.writes.find(({ key }) => key === this.#stateKey(id));
    if (write === undefined) return;
    if (write.value === undefined) this.#versions.delete(id);
    else this.#versions.set(id, (this.#versions.get(id) ?? 0) + 1);
  }

  /** This is the only writer, so one of the versions it would have made tells. */
  async #hasHappened({ writes: [write] }: Transaction): Promise<boolean> {
    if (write === undefined) return true;
    const record = await this.#store.read(write.key);
    if (write.value === undefined) return record === undefined;
    return record !== undefined && record.version > (write.expectedVersion ?? 0);
  }

  #stateKey(id: string): string {
    return `${this.#kind}/state/${id}`;
  }

  /** Padded, so that byte order is the order of decision. */
  #nextEffectKey(id: string): string {
    this.#effects += 1;
    const run = String(this.#run).padStart(10, "0");
    return `${this.#kind}/effect/${id}/${run}-${String(this.#effects).padStart(16, "0")}`;
  }
}
