/** Any JSON value: records are readable on disk and survive new code. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface StoredRecord {
  readonly key: string;
  /** Starts at 1 and grows by one with each write of this key. */
  readonly version: number;
  readonly value: Json;
}

export interface Write {
  readonly key: string;
  /** Version the key must have now; 0 = must not exist; undefined = any. */
  readonly expectedVersion?: number;
  /** New value; undefined deletes the key. */
  readonly value: Json | undefined;
}

/** A transaction is data, never a callback. */
export interface Transaction {
  readonly writes: readonly Write[];
}

export interface ListOptions {
  /** Keys strictly after this one. */
  readonly after?: string;
  /** At most this many; default 1,000. */
  readonly limit?: number;
}

/**
 * Durable, versioned records by key.
 *
 * Constraints, checked by `testkit`'s contract suite for each implementation:
 * - `commit` MUST apply all writes or none, and MUST have made them durable
 *   (fsync) when its promise resolves.
 * - `commit` MUST reject with code `conflict` and change nothing when any
 *   `expectedVersion` does not hold, naming the key.
 * - Concurrent commits MUST be serialisable; an implementation MAY group
 *   several into one disk transaction, waiting at most 10 ms.
 * - `list` MUST return keys in ascending byte order.
 * - A key MUST be 1 to 512 bytes; a value's JSON at most 16 MiB: otherwise
 *   `invalid_argument` or `too_large`.
 * - After `close`, calls MUST reject with `failed_precondition`.
 */
export interface Store {
  read(key: string): Promise<StoredRecord | undefined>;
  list(prefix: string, options?: ListOptions): Promise<readonly StoredRecord[]>;
  commit(transaction: Transaction): Promise<void>;
  close(): Promise<void>;
}
