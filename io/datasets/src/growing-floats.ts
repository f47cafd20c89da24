/** float32 values that come one row after another; at most twice their memory while they do. */
export class GrowingFloats {
  #values = new Float32Array(1_024);
  #length = 0;

  push(row: Float32Array): void {
    const end = this.#length + row.length;
    if (end > this.#values.length) {
      // Most allocators extend in place, without a copy.
      const bytes = 4 * Math.max(end, 2 * this.#values.length);
      this.#values = new Float32Array(this.#values.buffer.transfer(bytes));
    }
    this.#values.set(row, this.#length);
    this.#length = end;
  }

  /** All of them, without room to spare. */
  take(): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#values.buffer.transfer(4 * this.#length));
  }
}
