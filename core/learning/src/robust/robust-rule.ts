/** One device's part in a round. */
export interface StoredContribution {
  readonly device: string;
  /** Examples it trained on, capped. */
  readonly weight: number;
}

/** The updates of one round, kept where they can be read again. */
export interface StoredUpdates {
  /** In any order, each device once. */
  readonly contributions: readonly StoredContribution[];
  /** Length of an update. */
  readonly parameters: number;
  /** Fills `into` with the values of one device's update from `offset` on; may read anything but memory. */
  read(device: string, offset: number, into: Float32Array): Promise<void>;
  /** Called after some milliseconds of work, so that others get their turn. */
  pause(): Promise<void>;
}

export interface RobustAggregate {
  /** What stands for all updates, `parameters` values. */
  readonly result: Float64Array;
  /** Devices whose updates the rule left out as wholes, ascending; of a rule that does not, none. */
  readonly rejected: readonly string[];
  readonly measurements: Readonly<Record<string, number>>;
}

/**
 * A rule that needs every update at once, and keeps its result near what most devices sent
 * whatever the rest of them did. It works over blocks of coordinates: in memory are
 * `blockValues` values of all updates together, a vector as long as the model or two, and at most
 * the distance of every pair of devices, whatever the number of devices.
 *
 * Deterministic: the result is the same bits in whatever order updates arrived.
 */
export interface RobustRule {
  readonly name: string;
  /** Fewest contributions that it can do with. */
  readonly minimum: number;
  /** Most contributions that it takes. */
  readonly maximum: number;
  /** @param updates in ascending order of devices, as many as it takes */
  combine(updates: StoredUpdates): Promise<RobustAggregate>;
}
