import type { RecordMigration } from "@selvedge/storage";

/** What changed in a device's records since version 0.1.0: append only. */
export const recordMigrations: readonly RecordMigration[] = [];
