import { SelvedgeError } from "@selvedge/protocol";
import { Journal, type JournalHooks, type PendingEffect, type Step } from "./journal.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import type { Store, Transaction } from "./store.ts";

export interface EntityRunnerOptions<State, Event, Effect> {
  readonly store: Store;
  /** Prefix of this runner's records; no other writer may use it. */
  readonly kind: string;
  readonly step: Step<State, Event, Effect>;
  /**
   * Performs one effect; may return an event for the same entity. Runs at least
   * once per `key`, so it must be idempotent. `signal` is aborted by `stop`.
   */
  perform(id: string, effect: Effect, key: string, signal: AbortSignal): Promise<Event | undefined>;
  /** What a failed effect becomes: an event for its entity, or another attempt. Throwing halts the runner. */
  onError(id: string, effect: Effect, error: unknown): Event | "retry";
  /**
   * The result of an effect is committed, and what that decided has not started yet: `perform` is not
   * called with this key any more. Must not throw.
   */
  onPerformed?(key: string): void;
  /** How long to wait after attempt 1, 2, …, ms. */
  retryDelay(attempt: number): number;
  /** Resolves after `ms`, or as soon as `signal` is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Told once when the runner cannot go on; the process should end and start again. */
  onHalt?(error: unknown): void;
  readonly hooks?: JournalHooks<Effect>;
}

/**
 * Runs long-lived state machines so that a crash at any point loses nothing.
 *
 * One commit writes an entity's new state and the effects it decided; after it
 * each effect is performed at least once; its result is an event, and the commit
 * of that event's step also removes the effect. Recovery loads the last states
 * and performs what is left: old events are never replayed.
 *
 * Events of one entity take turns, different entities run concurrently. Effects
 * of an entity start in the order decided and then run concurrently, so a stuck
 * one holds up nothing else. When a step throws, nothing changes: `dispatch` passes
 * the error on, and an effect's result goes to `onError` with it.
 *
 * Deterministic as far as `store`, `perform` and `sleep` are.
 */
export class EntityRunner<State, Event, Effect> {
  readonly #options: EntityRunnerOptions<State, Event, Effect>;
  readonly #journal: Journal<State, Effect>;
  readonly #turns = new KeyedQueue();
  readonly #stopping = new AbortController();
  readonly #listeners = new Set<(id: string, state: State | undefined) => void>();
  #states = new Map<string, State>();
  #phase: "new" | "starting" | "running" | "stopped" | "halted" = "new";
  #haltedBy: unknown;
  /** Events waiting for their turn and effects not yet performed for good. */
  #open = 0;
  #idleWaiters: PromiseWithResolvers<void>[] = [];

  constructor(options: EntityRunnerOptions<State, Event, Effect>) {
    this.#options = options;
    this.#journal = new Journal(options.store, options.kind);
  }

  /**
   * Loads all states, then starts the effects that are left.
   *
   * @param prepare runs in between: states can be read, and nothing is under way yet.
   */
  async start(prepare: () => Promise<void> = async () => {}): Promise<void> {
    if (this.#phase !== "new")
      throw new SelvedgeError("failed_precondition", "the runner was already started");
    this.#phase = "starting";
    const { states, effects } = await this.#journal.open();
    if (this.#phase !== "starting") return; // stopped meanwhile
    this.#states = states;
    await prepare();
    this.#phase = "running";
    this.#startEffects(effects);
  }

  /**
   * Resolves after the commit with the new state, before the effects end.
   * @throws what the step or the store throws; then nothing has changed, unless the runner halted.
   */
  async dispatch(id: string, event: Event): Promise<State | undefined> {
    if (id === "") throw new SelvedgeError("invalid_argument", "an entity needs an id", { fix: "give one" });
    this.#checkRunning();
    return this.#turn(id, event, undefined);
  }

  get(id: string): State | undefined {
    return this.#states.get(id);
  }

  all(): Iterable<[string, State]> {
    return this.#states.entries();
  }

  /** Calls `listener` after each commit that changed a state. It must not throw. */
  subscribe(listener: (id: string, state: State | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Resolves when no event and no effect is open, or the runner was stopped; rejects when it halted. */
  async idle(): Promise<void> {
    if (this.#phase === "halted") throw this.#haltedBy;
    if (this.#open === 0 || this.#phase === "stopped") return;
    const waiter = Promise.withResolvers<void>();
    this.#idleWaiters.push(waiter);
    return waiter.promise;
  }

  /**
   * Starts no further event or effect and waits for commits under way. Effects
   * under way are told by their signal; what they still return is dropped, and
   * they run again after the next start.
   */
  async stop(): Promise<void> {
    if (this.#phase !== "halted") this.#phase = "stopped";
    this.#stopping.abort();
    await this.#turns.drained();
    this.#settleIdle();
  }

  /** One event in its turn; `done` is the effect it is the result of. */
  async #turn(
    id: string,
    event: Event | undefined,
    done: PendingEffect<Effect> | undefined,
  ): Promise<State | undefined> {
    this.#open += 1;
    try {
      return await this.#turns.run(id, () => this.#apply(id, event, done));
    } finally {
      this.#closeOne();
    }
  }

  async #apply(
    id: string,
    event: Event | undefined,
    done: PendingEffect<Effect> | undefined,
  ): Promise<State | undefined> {
    this.#checkRunning();
    const before = this.#states.get(id);
    const { state, effects } =
      event === undefined ? { state: before, effects: [] } : this.#options.step(before, event);
    const isChanged = state !== before;
    if (!isChanged && effects.length === 0 && done === undefined) return state;
    const planned = this.#journal.plan(id, { state, isChanged, effects }, done?.key);
    await this.#commit(id, planned.transaction);
    if (isChanged) this.#publish(id, state);
    if (done !== undefined) this.#options.onPerformed?.(done.key);
    this.#startEffects(planned.effects);
    return state;
  }

  async #commit(id: string, transaction: Transaction): Promise<void> {
    const { hooks } = this.#options;
    await this.#hook(() => hooks?.beforeCommit?.(transaction));
    try {
      await this.#journal.commit(id, transaction);
    } catch (error) {
      // Somebody else writes these records: what is in memory can no longer be trusted.
      if (error instanceof SelvedgeError && error.code === "conflict") this.#halt(error);
      throw error;
    }
    await this.#hook(() => hooks?.afterCommit?.(transaction));
  }

  #publish(id: string, state: State | undefined): void {
    if (state === undefined) this.#states.delete(id);
    else this.#states.set(id, state);
    try {
      for (const listener of this.#listeners) listener(id, state);
    } catch (error) {
      throw this.#halt(error);
    }
  }

  #startEffects(effects: readonly PendingEffect<Effect>[]): void {
    if (!this.#isRunning()) return;
    for (const effect of effects) {
      this.#open += 1;
      this.#runEffect(effect).then(
        () => this.#closeOne(),
        (error: unknown) => this.#halt(error),
      );
    }
  }

  /** Until the effect is performed and that is committed, or the runner ends. */
  async #runEffect(pending: PendingEffect<Effect>): Promise<void> {
    const { id, effect } = pending;
    let outcome: Event | undefined | "retry" = "retry";
    for (let attempt = 1; this.#isRunning(); attempt += 1) {
      if (outcome === "retry") outcome = await this.#perform(pending);
      if (!this.#isRunning()) return;
      if (outcome !== "retry") {
        try {
          await this.#turn(id, outcome, pending);
          return;
        } catch (error) {
          if (!this.#isRunning()) return;
          // A full disk is no result of the effect: its outcome is kept and committed later.
          if (!isEnvironment(error)) outcome = this.#options.onError(id, effect, error);
        }
      }
      await this.#options.sleep(this.#options.retryDelay(attempt), this.#stopping.signal);
    }
  }

  async #perform({ id, effect, key }: PendingEffect<Effect>): Promise<Event | undefined | "retry"> {
    const { hooks } = this.#options;
    await this.#hook(() => hooks?.beforeEffect?.(id, effect, key));
    if (!this.#isRunning()) return "retry";
    let outcome: Event | undefined | "retry";
    try {
      outcome = await this.#options.perform(id, effect, key, this.#stopping.signal);
    } catch (error) {
      if (!this.#isRunning()) return "retry";
      outcome = this.#options.onError(id, effect, error);
    }
    if (!this.#isRunning()) return "retry";
    await this.#hook(() => hooks?.afterEffect?.(id, effect, key));
    return outcome;
  }

  async #hook(call: () => void | Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      throw this.#halt(error);
    }
  }

  /** Ends the runner as a crash would: nothing more is committed or started. Returns `error`. */
  #halt(error: unknown): unknown {
    if (!this.#isRunning()) return error;
    this.#phase = "halted";
    this.#haltedBy = error;
    this.#stopping.abort();
    for (const waiter of this.#idleWaiters.splice(0)) waiter.reject(error);
    this.#options.onHalt?.(error);
    return error;
  }

  #closeOne(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#settleIdle();
  }

  #settleIdle(): void {
    for (const waiter of this.#idleWaiters.splice(0)) waiter.resolve();
  }

  #isRunning(): boolean {
    return this.#phase === "running";
  }

  #checkRunning(): void {
    if (this.#phase === "running") return;
    throw new SelvedgeError(
      "failed_precondition",
      `the runner of ${this.#options.kind} entities is ${this.#phase}`,
      {
        cause: this.#haltedBy,
      },
    );
  }
}

function isEnvironment(error: unknown): boolean {
  return error instanceof SelvedgeError && error.culprit === "environment";
}
