import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { SeedOutcome } from "./seed-worker.ts";

export interface SeedsOptions {
  readonly from: number;
  readonly count: number;
  /** Threads; default: one a processor. */
  readonly workers?: number;
  /** Told of each seed as soon as it is done; false = start no further one. */
  onOutcome?(outcome: SeedOutcome): boolean;
}

/**
 * Simulates a fleet for each of some seeds, in threads of their own.
 *
 * @returns in the order of the seeds.
 */
export async function simulateSeeds(options: SeedsOptions): Promise<readonly SeedOutcome[]> {
  const { from, count, workers = availableParallelism(), onOutcome = () => true } = options;
  const outcomes: SeedOutcome[] = [];
  let next = from;
  let goesOn = true;
  const runOne = async (): Promise<void> => {
    const worker = new Worker(new URL("./seed-worker.ts", import.meta.url));
    try {
      while (goesOn && next < from + count) {
        worker.postMessage(next);
        next += 1;
        const outcome = await answerOf(worker);
        outcomes.push(outcome);
        goesOn = onOutcome(outcome) && goesOn;
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(workers, count)) }, runOne));
  return outcomes.sort((a, b) => a.seed - b.seed);
}

function answerOf(worker: Worker): Promise<SeedOutcome> {
  return new Promise((resolve, reject) => {
    worker.once("message", (outcome: SeedOutcome) => {
      worker.off("error", reject);
      resolve(outcome);
    });
    worker.once("error", reject);
  });
}
