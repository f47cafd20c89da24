import { BlobKeeper, type BlobStore } from "@selvedge/storage";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** The production code that deletes blobs, in one life of a simulated process. */
export function createKeeper(
  process: SimulatedProcess,
  time: VirtualTime,
  blobs: BlobStore,
  needed: () => Iterable<string>,
  onError: (error: unknown) => void,
): BlobKeeper {
  return new BlobKeeper({
    blobs,
    needed,
    clock: { monotonic: () => time.now },
    timers: { after: (ms, run) => process.after(ms, run) },
    graceMs: 60_000,
    onError,
  });
}
