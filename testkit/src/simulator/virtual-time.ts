interface Timer {
  readonly at: number;
  /** Among timers of the same time the earlier one runs first. */
  readonly order: number;
  /** undefined = cancelled. */
  run: (() => void) | undefined;
}

/**
 * A clock that moves only when nothing is left to do: it jumps from one timer
 * to the next, once all promises of the step before have settled. Timers of
 * the same time run in the order in which they were set.
 */
export class VirtualTime {
  /** A binary heap: no timer is due before its parent, at half its index. */
  readonly #heap: Timer[] = [];
  #set = 0;
  #now: number;

  /** @param start Unix milliseconds. */
  constructor(start: number) {
    this.#now = start;
  }

  get now(): number {
    return this.#now;
  }

  /** Runs something later; the result cancels it. */
  after(ms: number, run: () => void): () => void {
    this.#set += 1;
    const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#set, run };
    this.#push(timer);
    return () => {
      timer.run = undefined;
    };
  }

  /**
   * Lets time pass until `isDone`, asked once a second when everything has settled.
   *
   * @returns false when it was not done by `deadline`.
   */
  async runUntil(isDone: () => boolean, deadline: number): Promise<boolean> {
    for (let asked = -1; this.#now <= deadline; ) {
      await settled();
      const second = Math.floor(this.#now / 1_000);
      if (second !== asked && isDone()) return true;
      asked = second;
      const next = this.#pop();
      if (next === undefined) return isDone();
      this.#now = next.at;
      next.run?.();
    }
    return false;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    for (let parent = (index - 1) >> 1; index > 0; parent = (index - 1) >> 1) {
      const above = heap[parent];
      if (above === undefined || isBefore(above, timer)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = timer;
  }

  /** The next timer that was not cancelled. */
  #pop(): Timer | undefined {
    for (let first = this.#take(); first !== undefined; first = this.#take()) {
      if (first.run !== undefined) return first;
    }
    return undefined;
  }

  #take(): Timer | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || isBefore(last, child)) break;
      heap[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** A turn of the event loop comes after all promises that can settle have settled: nothing here waits for real I/O. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
