import { type SeededRandom, SelvedgeError } from "@selvedge/protocol";
import { openMemoryStore, type Store, type Transaction } from "@selvedge/storage";
import type { FaultPlan } from "./fault-plan.ts";
import { diskFull, type SimulatedDisk } from "./simulated-disk.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

export interface SimulatedStoreOptions {
  readonly disk: SimulatedDisk;
  readonly process: SimulatedProcess;
  readonly random: SeededRandom;
  readonly faults: FaultPlan;
  readonly name: string;
}

interface Pending {
  readonly transaction: Transaction;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Commits in one sync. */
const groupMax = 256;

/**
 * The records of a disk as one process uses them. A sync takes time and makes a
 * group of commits durable, each whole or not at all; what has not come that far is
 * lost when the process ends, and what has may never be acknowledged.
 */
export class SimulatedStore implements Store {
  readonly #options: SimulatedStoreOptions;
  readonly #records: Store;
  #pending: Pending[] = [];
  #syncing = false;

  constructor(options: SimulatedStoreOptions) {
    this.#options = options;
    this.#records = openMemoryStore(options.disk.records);
  }

  read: Store["read"] = (key) => this.#options.process.doing(() => this.#records.read(key));

  list: Store["list"] = (prefix, options) =>
    this.#options.process.doing(() => this.#records.list(prefix, options));

  async commit(transaction: Transaction): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#pending.push({ transaction, resolve, reject });
    if (!this.#syncing) void this.#sync();
    return promise;
  }

  async close(): Promise<void> {
    await this.#records.close();
  }

  async #sync(): Promise<void> {
    const { process, random } = this.#options;
    this.#syncing = true;
    while (this.#pending.length > 0) {
      await process.sleep(syncMs(this.#options.disk, random));
      const written = this.#pending.splice(0, groupMax).map((one) => this.#write(one));
      await process.sleep(random.integer(2));
      for (const acknowledge of await Promise.all(written)) acknowledge();
    }
    this.#syncing = false;
  }

  /** Writes it at once, in call order. @returns what tells its caller. */
  async #write({ transaction, resolve, reject }: Pending): Promise<() => void> {
    const { disk, faults, name } = this.#options;
    if (disk.isFull) return () => reject(diskFull(`${name} records`));
    try {
      await this.#records.commit(transaction);
    } catch (error) {
      return () => reject(error);
    }
    return faults.strikes("lostCommit", name) ? () => reject(lostAnswer()) : resolve;
  }
}

function lostAnswer(): SelvedgeError {
  return new SelvedgeError("unavailable", "the database did not answer");
}

export function syncMs(disk: SimulatedDisk, random: SeededRandom): number {
  return disk.isSlow ? 300 + random.integer(4_000) : random.integer(5);
}
