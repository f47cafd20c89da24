import { SelvedgeError } from "@selvedge/protocol";
import type { MemoryRecords } from "@selvedge/storage";
import { emptyFiles, type SimulatedFiles } from "./simulated-files.ts";

/** What survives the end of a process, and how well it can be written at the moment. */
export interface SimulatedDisk {
  readonly records: MemoryRecords;
  readonly files: SimulatedFiles;
  isFull: boolean;
  isSlow: boolean;
}

export function emptyDisk(): SimulatedDisk {
  return { records: new Map(), files: emptyFiles(), isFull: false, isSlow: false };
}

export function diskFull(at: string): SelvedgeError {
  return new SelvedgeError("resource_exhausted", "the disk is full", { at, fix: "free space on it" });
}

/** A record as it stands on a disk, without asking the process that uses it. */
export function readState<State>({ records }: SimulatedDisk, key: string): State | undefined {
  const record = records.get(key);
  return record === undefined ? undefined : (JSON.parse(record.json) as State);
}
