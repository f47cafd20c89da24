import { SelvedgeError } from "@selvedge/protocol";

/** A part of a budget; whoever holds it gives it back whole by disposing of it. */
export interface ByteShare extends Disposable {
  /** @throws SelvedgeError `resource_exhausted` when there is no room for so many more */
  take(bytes: number): void;
}

/** How much the bodies of all requests may hold together. */
export class ByteBudget {
  readonly #bytesMax: number;
  #taken = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** A share of nothing yet. */
  share(): ByteShare {
    let own = 0;
    return {
      take: (bytes) => {
        if (this.#taken + bytes > this.#bytesMax) throw exhausted(this.#bytesMax);
        this.#taken += bytes;
        own += bytes;
      },
      [Symbol.dispose]: () => {
        this.#taken -= own;
        own = 0;
      },
    };
  }
}

function exhausted(bytesMax: number): SelvedgeError {
  return new SelvedgeError("resource_exhausted", `requests hold ${bytesMax} bytes already`, {
    fix: "try again in a moment, or send fewer at a time",
  });
}
