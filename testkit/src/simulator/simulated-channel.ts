import { type BlobReference, SelvedgeError } from "@selvedge/protocol";
import type { BlobChannel } from "@selvedge/transport";
import type { Running, SimulatedCoordinator } from "./simulated-coordinator.ts";
import { type SimulatedNetwork, unavailable } from "./simulated-network.ts";
import type { NodeParts } from "./simulated-node.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

export interface ChannelParts extends NodeParts {
  readonly coordinator: SimulatedCoordinator;
  readonly network: SimulatedNetwork;
}

/** What a device asks a coordinator for over HTTP, past its link: bulk bytes and release metadata. */
export class SimulatedChannel implements BlobChannel {
  readonly #device: string;
  readonly #process: SimulatedProcess;
  readonly #parts: ChannelParts;

  constructor(device: string, process: SimulatedProcess, parts: ChannelParts) {
    this.#device = device;
    this.#process = process;
    this.#parts = parts;
  }

  /** A request carries part of the body, as one that is cut does: the next goes on from there. */
  upload: BlobChannel["upload"] = async (reference, read) => {
    const { faults, observer } = this.#parts;
    observer.uploadStarted(this.#device, reference.digest);
    for (;;) {
      const standing = await this.#exchange("upload", (running) => this.#standing(running, reference));
      if (standing === undefined) return;
      // At the very end one byte asks how it went.
      const offset = Math.min(standing, reference.length - 1);
      const end = Math.min(reference.length, offset + faults.between(1, 2 * reference.length));
      for await (const chunk of read(offset, end)) {
        await this.#exchange("upload", ({ blobs }) => blobs.append(reference, offset, chunk));
      }
    }
  };

  download: BlobChannel["download"] = async (reference, offset, sink, signal) => {
    const { faults } = this.#parts;
    for (let at = offset; at < reference.length; ) {
      const bytes = await this.#exchange("download", ({ blobs }) => blobs.get(reference.digest));
      if (signal.aborted) throw new SelvedgeError("cancelled", "the download was cancelled");
      const end = Math.min(reference.length, at + faults.between(1, 2 * reference.length));
      await sink(at, bytes.subarray(at, end));
      at = end;
    }
  };

  /** A document of the release repository. */
  document(name: string): Promise<Uint8Array | undefined> {
    return this.#exchange("document", ({ repository }) => repository.metadata(name));
  }

  /** @returns undefined = it is there already. */
  async #standing({ blobs, board }: Running, { digest, length }: BlobReference): Promise<number | undefined> {
    if ((await blobs.stat(digest)) !== undefined) return undefined;
    if ((await board.admitUpload(this.#device, digest)) < length)
      throw new SelvedgeError("permission_denied", "nothing was asked of this device");
    return blobs.uploadOffset(digest);
  }

  async #exchange<T>(what: string, ask: (running: Running) => Promise<T>): Promise<T> {
    const { coordinator, faults, network } = this.#parts;
    await network.pass(this.#device, "to-coordinator", this.#process);
    if (faults.strikes("transferFailure", `${this.#device}: ${what}`))
      throw unavailable("the transfer broke off");
    const answer = await coordinator.answer(async (running) => {
      coordinator.authorise(this.#device);
      return ask(running);
    });
    await network.pass(this.#device, "to-device", this.#process);
    if (faults.strikes("lostAnswer", `${this.#device}: ${what}`)) throw unavailable("the transfer broke off");
    return answer;
  }
}
