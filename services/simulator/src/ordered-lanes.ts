/** A task's way: `start` in a lane, `finish`, some at a time, in the order of the tasks. */
export interface LaneWork<Task, Lane, Result> {
  start(task: Task, lane: Lane): Promise<Result>;
  finish(results: readonly Result[]): Promise<void>;
}

/**
 * Works on tasks in as many lanes at once as there are, and finishes them in the order they came in, so
 * that what comes of them does not depend on which lane was quicker: so many together, or the last. What
 * waits for its turn is bounded: nothing is started far ahead of what is to be finished next.
 */
export class OrderedLanes<Task, Lane, Result> {
  readonly #work: LaneWork<Task, Lane, Result>;
  readonly #free: Lane[];
  readonly #aheadMax: number;
  readonly #waiting: Task[] = [];
  readonly #done = new Map<number, Result>();
  #started = 0;
  #finished = 0;
  #isFinishing = false;
  #failure: { readonly reason: unknown } | undefined;
  #settled: PromiseWithResolvers<void>[] = [];

  constructor(lanes: readonly Lane[], work: LaneWork<Task, Lane, Result>) {
    this.#work = work;
    this.#free = [...lanes];
    this.#aheadMax = togetherMax + aheadEach * lanes.length;
  }

  get isBusy(): boolean {
    return this.#waiting.length > 0 || this.#finished < this.#started;
  }

  add(task: Task): void {
    this.#waiting.push(task);
    this.#advance();
  }

  /** Resolves when all tasks are finished; rejects when one failed. */
  async settled(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.reason;
    if (!this.isBusy) return;
    const waiter = Promise.withResolvers<void>();
    this.#settled.push(waiter);
    return waiter.promise;
  }

  #advance(): void {
    if (this.#failure !== undefined) return;
    while (this.#started - this.#finished < this.#aheadMax) {
      const [lane] = this.#free;
      if (lane === undefined || this.#waiting.length === 0) break;
      this.#free.shift();
      const task = this.#waiting.shift();
      if (task !== undefined) void this.#run(task, lane);
    }
    if (!this.isBusy) for (const waiter of this.#settled.splice(0)) waiter.resolve();
  }

  async #run(task: Task, lane: Lane): Promise<void> {
    const place = this.#started;
    this.#started += 1;
    try {
      this.#done.set(place, await this.#work.start(task, lane));
      this.#free.push(lane);
      this.#advance();
      await this.#finishInOrder();
    } catch (reason) {
      this.#failure ??= { reason };
      for (const waiter of this.#settled.splice(0)) waiter.reject(reason);
    }
  }

  async #finishInOrder(): Promise<void> {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    for (let ready = this.#takeReady(); ready.length > 0; ready = this.#takeReady()) {
      await this.#work.finish(ready);
      this.#finished += ready.length;
      this.#advance();
    }
    this.#isFinishing = false;
    this.#advance();
  }

  /** As many as are finished together, in order; fewer when nothing else is left. */
  #takeReady(): Result[] {
    const ready: Result[] = [];
    for (let place = this.#finished; ready.length < togetherMax; place += 1) {
      const result = this.#done.get(place);
      if (result === undefined) break;
      ready.push(result);
    }
    const isLast = this.#waiting.length === 0 && this.#finished + ready.length === this.#started;
    if (ready.length < togetherMax && !isLast) return [];
    for (let place = 0; place < ready.length; place += 1) this.#done.delete(this.#finished + place);
    return ready;
  }
}

/** A sum is read and written once for all of them. */
const togetherMax = 8;
/** How many results of each lane may wait beside those. */
const aheadEach = 4;
