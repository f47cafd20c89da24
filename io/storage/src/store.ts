/** Any JSON value: records are readable on disk and survive new code. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface StoredRecord {
  readonly key: string;
  /** Starts at 1 and grows by one with each write of this key; a deleted key starts again. */
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
  /** Each key at most once. */
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
 * - Concurrent commits MUST be serialisable and applied in call order; an
 *   implementation MAY group several into one disk transaction, waiting at
 *   most 10 ms, and a conflict of one MUST NOT fail the others.
 * - `commit` MUST reject with `resource_exhausted` when the disk is full; the
 *   store MUST still answer reads.
 * - `list` MUST return keys in ascending byte order of their UTF-8.
 * - A key MUST be 1 to 512 bytes of well-formed text without zero bytes; a value MUST be plain
 *   JSON of at most 16 MiB, nested at most 64 deep (a property that is
 *   undefined is left out): otherwise `invalid_argument` or `too_large`.
 * - What the caller does to a value before or after MUST NOT reach the store.
 * - `close` MUST let commits already asked for finish. After it, calls MUST
 *   reject with `failed_precondition`; closing again MUST succeed.
 */
export interface Store {
  read(key: string): Promise<StoredRecord | undefined>;
  list(prefix: string, options?: ListOptions): Promise<readonly StoredRecord[]>;
  commit(transaction: Transaction): Promise<void>;
  close(): Promise<void>;
}

/**
 * A store that can be copied as a whole.
 *
 * - `snapshot` MUST be of one moment, whatever is committed while it is read,
 *   in the order of keys, each record with its version.
 * - `load` MUST take a snapshot's records as they are, all or none, and MUST be
 *   refused with `already_exists` when there are records already.
 */
export interface SnapshotStore extends Store {
  snapshot(): AsyncIterable<StoredRecord>;
  load(records: AsyncIterable<StoredRecord>): Promise<void>;
}
