import type { Dataset, DatasetDescription, DatasetReading, DatasetSource } from "./dataset.ts";

/**
 * Reads one format. Both functions check all they read against the limits, and
 * throw a SelvedgeError that names file and place: `corrupt`, `unsupported`,
 * `too_large`, `out_of_range`, `failed_precondition`, `not_found`,
 * `permission_denied` or `invalid_argument`.
 */
export interface DatasetAdapter<Source extends DatasetSource = DatasetSource> {
  /** Reads no more of the file than says what is in it. */
  describe(source: Source): Promise<DatasetDescription>;
  /** Reads all of it. A missing value that a mean will stand in for is NaN. */
  open(source: Source, reading: DatasetReading): Promise<Dataset>;
}
