import { join } from "node:path";
import type { OnnxModel } from "@selvedge/onnx";
import { type Digest, keptOf, type Offer, type ReceiptVerdict, SelvedgeError } from "@selvedge/protocol";
import type { ClientProcess } from "@selvedge/runtime";
import { attackersAmong, type Behaviour, partialEpochs, stragglersOf } from "./behaviour.ts";
import { BlobFolder } from "./blob-folder.ts";
import type { ClientData } from "./client-data.ts";
import type { ClientStates } from "./client-states.ts";
import { OrderedLanes } from "./ordered-lanes.ts";
import { type VirtualAnswer, VirtualDevice } from "./virtual-device.ts";
import { VirtualTrainer } from "./virtual-trainer.ts";

export interface VirtualClientsOptions {
  readonly data: readonly ClientData[];
  readonly behaviour: Behaviour;
  readonly seed: bigint;
  /** Of the plan. */
  readonly localEpochs: number;
  readonly model: OnnxModel;
  readonly processes: readonly ClientProcess[];
  readonly states: ClientStates;
  /** Blobs of the coordinator. */
  readonly shared: BlobFolder;
  /** Where each client keeps what stays with it, in a folder of its own. */
  readonly keptFolder: string;
  /** Whom the round that is under way invites. */
  cohort(): readonly string[];
  /** Makes sure that what an offer names lies in `shared`. */
  prepare(offer: Offer): Promise<void>;
  deliver(client: string, offer: Offer, answer: VirtualAnswer): Promise<void>;
  readonly signal: AbortSignal;
}

interface Invitation {
  readonly client: string;
  readonly offer: Offer;
}

interface Answered extends Invitation {
  readonly answer: VirtualAnswer;
}

/**
 * All clients of a simulation. One exists only from its invitation to its receipt, so memory does not
 * grow with their number; their answers are handed in in the order of the invitations.
 */
export class VirtualClients {
  readonly ids: readonly string[];
  readonly #options: VirtualClientsOptions;
  readonly #lanes: OrderedLanes<Invitation, ClientProcess, Answered>;
  readonly #indices: ReadonlyMap<string, number>;
  readonly #attackers: ReadonlySet<string>;
  /** Those that are to answer, or wait for a receipt. */
  readonly #invited = new Set<string>();
  readonly #devices = new Map<string, VirtualDevice>();
  #spent: Spent[] = [];

  constructor(options: VirtualClientsOptions) {
    const { behaviour, data, deliver, processes, seed } = options;
    this.#options = options;
    this.ids = clientIds(data.length);
    this.#indices = new Map(this.ids.map((id, index) => [id, index]));
    this.#attackers = behaviour.attack ? attackersAmong(this.ids, behaviour.attack, seed) : new Set();
    this.#lanes = new OrderedLanes(processes, {
      start: (invitation, process) => this.#answer(invitation, process),
      finish: async (answered) => {
        // In this order, and not each only once the one before is folded.
        await Promise.all(answered.map(({ client, offer, answer }) => deliver(client, offer, answer)));
        // Only results have receipts.
        for (const { client, answer } of answered) if (answer.kind !== "result") this.#letGo(client);
      },
    });
  }

  /** How many have yet to answer, or to be told what became of their answer. */
  get outstanding(): number {
    return this.#invited.size;
  }

  /** The same invitation again is the one that is being answered. */
  invite(client: string, offer: Offer): void {
    if (this.#invited.has(client)) return;
    this.#invited.add(client);
    this.#lanes.add({ client, offer });
  }

  receipt(client: string, digest: string, verdict: ReceiptVerdict): void {
    this.#devices.get(client)?.receipt(digest, verdict);
    this.#letGo(client);
  }

  /** Resolves when all who were invited have answered. @throws what kept one from it */
  settled(): Promise<void> {
    return this.#lanes.settled();
  }

  /** Takes out what clients have let go of until now: to be called once no checkpoint names it. */
  takeSpent(): () => Promise<void> {
    const spent = this.#spent;
    this.#spent = [];
    return async () => {
      for (const { client, digest } of spent) {
        const state = await this.#options.states.read(client);
        // The same contents may have been made again.
        if (keptOf(state).every(({ body }) => body.digest !== digest))
          await this.#keptOf(client).delete(digest);
      }
    };
  }

  async #answer({ client, offer }: Invitation, process: ClientProcess): Promise<Answered> {
    const { behaviour, cohort, localEpochs, prepare, seed, shared, signal, states } = this.#options;
    const { stragglers: share, dropsStragglers } = behaviour;
    const isTraining = offer.phase === "train";
    const straggles = isTraining && share > 0 && stragglersOf(cohort(), share, seed, offer.round).has(client);
    if (straggles && dropsStragglers) {
      return { client, offer, answer: { kind: "declined", reason: "it straggles in this round" } };
    }
    await prepare(offer);
    const device = new VirtualDevice(client, await states.read(client), this.#keptOf(client));
    this.#devices.set(client, device);
    const trainer = new VirtualTrainer({
      process,
      data: this.#dataOf(client),
      blobs: device.pathsBeside(shared),
      model: this.#options.model,
      epochs: straggles ? partialEpochs(localEpochs, seed, offer.round, client) : undefined,
      factor: this.#attackers.has(client) ? (behaviour.attack?.factor ?? 1) : 1,
    });
    return { client, offer, answer: await device.answer(offer, trainer, signal) };
  }

  #letGo(client: string): void {
    const device = this.#devices.get(client);
    if (device !== undefined) {
      this.#options.states.write(client, device.state);
      this.#spent.push(...device.spent.map((digest) => ({ client, digest })));
    }
    this.#devices.delete(client);
    this.#invited.delete(client);
  }

  #dataOf(client: string): ClientData {
    const data = this.#options.data[this.#indices.get(client) ?? -1];
    if (data !== undefined) return data;
    throw new SelvedgeError("internal", `there is no client ${client}`);
  }

  #keptOf(client: string): BlobFolder {
    return new BlobFolder(join(this.#options.keptFolder, client));
  }
}

interface Spent {
  readonly client: string;
  readonly digest: Digest;
}

/** Of one length, so that they sort by number. */
function clientIds(count: number): string[] {
  const digits = String(count).length;
  return Array.from({ length: count }, (_, index) => `client-${String(index + 1).padStart(digits, "0")}`);
}
