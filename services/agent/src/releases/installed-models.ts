import type { Digest } from "@selvedge/protocol";
import { type Json, readAll, type Store } from "@selvedge/storage";

export interface InstalledModel {
  readonly name: string;
  readonly version: number;
  readonly digest: Digest;
}

interface Slots {
  readonly current: InstalledModel;
  readonly previous: InstalledModel | null;
}

/** Which version of each model this device serves, and the one it served before; kept over restarts. */
export class InstalledModels {
  readonly #store: Store;
  readonly #models = new Map<string, Slots>();
  /** Models of a commit without an answer: either version may be the durable one. */
  readonly #unsure = new Set<string>();

  private constructor(store: Store) {
    this.#store = store;
  }

  static async open(store: Store): Promise<InstalledModels> {
    const installed = new InstalledModels(store);
    for await (const { key, value } of readAll(store, prefix)) {
      installed.#models.set(key.slice(prefix.length), value as unknown as Slots);
    }
    return installed;
  }

  get(name: string): InstalledModel | undefined {
    return this.#models.get(name)?.current;
  }

  all(): readonly InstalledModel[] {
    return [...this.#models.values()].map((slots) => slots.current);
  }

  /** Digests of all that is kept, to serve or to fall back to. */
  digests(): readonly Digest[] {
    const slots = [...this.#models.values()];
    return slots.flatMap(({ current, previous }) => [
      current.digest,
      ...(previous === null ? [] : [previous.digest]),
    ]);
  }

  /** Reads anew what commits without an answer may have changed. @throws SelvedgeError while the store does not answer */
  async settle(): Promise<void> {
    for (const name of this.#unsure) {
      const stored = await this.#store.read(`${prefix}${name}`);
      if (stored !== undefined) this.#models.set(name, stored.value as unknown as Slots);
      this.#unsure.delete(name);
    }
  }

  /** Makes `model` current. @returns the version that is not kept any more, unless its bytes still are. */
  async replace(model: InstalledModel): Promise<InstalledModel | undefined> {
    const before = this.#models.get(model.name);
    const slots: Slots = { current: model, previous: before?.current ?? null };
    this.#unsure.add(model.name);
    await this.#store.commit({
      writes: [{ key: `${prefix}${model.name}`, value: slots as unknown as Json }],
    });
    this.#unsure.delete(model.name);
    this.#models.set(model.name, slots);
    const dropped = before?.previous ?? undefined;
    const kept = [...this.#models.values()].flatMap(({ current, previous }) => [
      current.digest,
      previous?.digest,
    ]);
    return dropped !== undefined && !kept.includes(dropped.digest) ? dropped : undefined;
  }
}

const prefix = "installed/";
