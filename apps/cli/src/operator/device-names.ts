import type { OperatorSession } from "./operator-session.ts";

/** What devices that a job knows by their ids are called. */
export class DeviceNames {
  readonly #session: Pick<OperatorSession, "client" | "call">;
  readonly #names = new Map<string, string>();

  constructor(session: Pick<OperatorSession, "client" | "call">) {
    this.#session = session;
  }

  /** Asks the coordinator, once for a device. A name is a courtesy: where none can be had the id has to do. */
  async learn(ids: readonly string[]): Promise<void> {
    const unknown = ids.filter((id) => !this.#names.has(id));
    if (unknown.length === 0) return;
    for (const id of unknown) this.#names.set(id, id);
    const { client, call } = this.#session;
    const { devices } = await client.listDevices({}, call).catch(() => ({ devices: [] }));
    for (const { id, name } of devices) this.#names.set(id, name);
  }

  /** The id itself before `learn`. */
  of(id: string): string {
    return this.#names.get(id) ?? id;
  }
}
