import { type BlobReference, type DeviceState, keptOf } from "@selvedge/protocol";
import type { Transaction } from "@selvedge/storage";
import type { SimulatedDisk } from "./simulated-disk.ts";

/** What a simulated training leaves for the next: the rounds of its job that were trained, one after the other. */
export function nextKept(before: Uint8Array | null, round: number): Uint8Array {
  return Buffer.from(JSON.stringify([...roundsOf(before), round]));
}

/** Watches what one device keeps through its commits: each training goes on from what the last one left (SPEC CS1). */
export class KeptObserver {
  readonly #violation: (text: string) => void;
  /** By job: which state it was, and its rounds. */
  #kept: ReadonlyMap<string, { readonly digest: string; readonly rounds: readonly number[] }> = new Map();

  constructor(violation: (text: string) => void) {
    this.#violation = violation;
  }

  committed({ writes }: Transaction, disk: SimulatedDisk): void {
    const write = writes.find(({ key }) => key === "task/state/device");
    if (write === undefined) return;
    const kept = keptOf(write.value as unknown as DeviceState);
    this.#kept = new Map(kept.map(({ job, round, body }) => [job, this.#observe(job, round, body, disk)]));
  }

  #observe(
    job: string,
    round: number,
    { digest }: BlobReference,
    disk: SimulatedDisk,
  ): { readonly digest: string; readonly rounds: readonly number[] } {
    const before = this.#kept.get(job);
    if (before?.digest === digest) return before;
    const bytes = disk.files.blobs.get(digest);
    if (bytes === undefined) this.#violation(`CS1: what was kept for ${job} is not there`);
    const rounds = roundsOf(bytes ?? null);
    const expected = [...(before?.rounds ?? []), round];
    if (rounds.join() !== expected.join())
      this.#violation(`CS1: round ${round} of ${job} left [${rounds}]; after the last it is [${expected}]`);
    return { digest, rounds };
  }
}

function roundsOf(bytes: Uint8Array | null): readonly number[] {
  return bytes === null ? [] : (JSON.parse(Buffer.from(bytes).toString("utf8")) as readonly number[]);
}
