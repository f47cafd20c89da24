import type { DatasetSource } from "@selvedge/datasets";

/** What one virtual client has: a file of its own, or some of the examples in one that many share. */
export interface ClientData {
  readonly source: DatasetSource;
  /** Places of its examples; all when absent. */
  readonly rows?: Int32Array;
}
