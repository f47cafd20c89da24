/** At most so many at once; the others wait, first come first served. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #size: number;
  #inside = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** From now on; what is inside stays. */
  resize(size: number): void {
    this.#size = size;
    this.#admit();
  }

  /** Resolves when there is room; whoever entered has to leave. */
  async enter(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    this.#admit();
    await promise;
  }

  leave(): void {
    this.#inside -= 1;
    this.#admit();
  }

  #admit(): void {
    while (this.#inside < this.#size) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#inside += 1;
      next();
    }
  }
}
