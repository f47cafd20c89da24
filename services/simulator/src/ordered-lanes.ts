/** One task's way: `start` in a lane, `finish` in the order of the tasks. */
export interface LaneWork<Task, Lane, Result> {
  start(task: Task, lane: Lane): Promise<Result>;
  finish(result: Result): Promise<void>;
}

/**
 * Works on tasks in as many lanes at once as there are, and finishes them one by one in the order they
 * came in, so that what comes of them does not depend on which lane was quicker. What waits for its
 * turn is bounded: nothing is started far ahead of what is to be finished next.
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
    this.#aheadMax = aheadEach * lanes.length;
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
    for (;;) {
      const result = this.#done.get(this.#finished);
      if (result === undefined) break;
      this.#done.delete(this.#finished);
      await this.#work.finish(result);
      this.#finished += 1;
      this.#advance();
    }
    this.#isFinishing = false;
    this.#advance();
  }
}

/** How many results of each lane may wait for their turn. */
const aheadEach = 4;
