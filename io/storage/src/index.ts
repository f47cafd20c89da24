export type { BlobStore, GetOptions } from "./blob-store.ts";
export { EntityRunner, type EntityRunnerOptions } from "./entity-runner.ts";
export { type FileBlobStoreOptions, openFileBlobStore } from "./file-blob-store.ts";
export type { JournalHooks, Step } from "./journal.ts";
export { type MemoryBlobs, openMemoryBlobStore } from "./memory-blob-store.ts";
export { type MemoryRecords, openMemoryStore } from "./memory-store.ts";
export type { DatabaseOptions } from "./open-database.ts";
export { openSqliteStore } from "./sqlite-store.ts";
export type { Json, ListOptions, Store, StoredRecord, Transaction, Write } from "./store.ts";
