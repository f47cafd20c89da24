/** Runs tasks of one key one after another, in call order; tasks of different keys concurrently. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(task);
    const tail = result.then(ignore, ignore);
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    return result;
  }

  /** Resolves when every task started before this call has ended. */
  async drained(): Promise<void> {
    await Promise.all(this.#tails.values());
  }
}

/** A failed task is its caller's business, not its successor's. */
function ignore(): void {}
