import { type DeviceState, emptyDevice, keptOf } from "@selvedge/protocol";
import type { Json, Store, Write } from "@selvedge/storage";

/**
 * What virtual clients remember from one round to the next. On disk as of the last checkpoint; in
 * memory only what has changed since.
 */
export class ClientStates {
  readonly #store: Store;
  #changed = new Map<string, DeviceState>();
  #saving: ChangedStates = new Map();

  constructor(store: Store) {
    this.#store = store;
  }

  async read(client: string): Promise<DeviceState> {
    const known = this.#changed.get(client) ?? this.#saving.get(client);
    if (known !== undefined) return known;
    const record = await this.#store.read(keyOf(client));
    return record === undefined ? emptyDevice : (record.value as unknown as DeviceState);
  }

  /** Clients that keep nothing are not written down: they are as new each time. */
  write(client: string, state: DeviceState): void {
    if (keptOf(state).length > 0 || this.#changed.has(client) || this.#saving.has(client)) {
      this.#changed.set(client, state);
    }
  }

  /** What a checkpoint of this moment has to write; call `saved` with it once it has. */
  takeChanges(): ChangedStates {
    const changes = new Map([...this.#saving, ...this.#changed]);
    this.#saving = changes;
    this.#changed = new Map();
    return changes;
  }

  saved(changes: ChangedStates): void {
    const isNewer = ([client, state]: [string, DeviceState]): boolean => changes.get(client) !== state;
    this.#saving = new Map([...this.#saving].filter(isNewer));
  }
}

export type ChangedStates = ReadonlyMap<string, DeviceState>;

export function stateWrites(changes: ChangedStates): Write[] {
  return [...changes].map(([client, state]) => ({ key: keyOf(client), value: state as unknown as Json }));
}

function keyOf(client: string): string {
  return `client/${client}`;
}
