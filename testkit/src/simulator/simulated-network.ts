import { SelvedgeError } from "@selvedge/protocol";
import type { BlobChannel, Link, LinkDirection } from "@selvedge/transport";
import { createMemoryLink } from "@selvedge/transport";
import type { FaultPlan } from "./fault-plan.ts";
import type { FleetObserver } from "./fleet-observer.ts";
import type { FleetTrace } from "./fleet-trace.ts";
import type { SimulatedCoordinator } from "./simulated-coordinator.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface NetworkParts {
  readonly time: VirtualTime;
  readonly faults: FaultPlan;
  readonly trace: FleetTrace;
  readonly observer: FleetObserver;
  readonly coordinator: SimulatedCoordinator;
}

const chunkBytes = 100;
const quietMs = 10;

/** What lies between devices and their coordinator. */
export class SimulatedNetwork {
  readonly #parts: NetworkParts;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  async dial(device: string, process: SimulatedProcess): Promise<Link> {
    const { coordinator, faults, time, trace } = this.#parts;
    await process.sleep(this.#latency());
    if (!coordinator.isUp) throw unavailable("the coordinator is down");
    if (faults.strikes("dialFailure", device)) throw unavailable("the dial failed");
    const pair = createMemoryLink({
      deliver: (envelope, direction, deliverNow) => {
        const what = `${device} ${arrow(direction)} ${envelope.body.case} #${envelope.sequence}`;
        this.#deliver(what, () => deliverNow());
      },
      close: (_direction, closeNow) => {
        time.after(this.#latency(), closeNow);
      },
    });
    process.onEnd(() => pair.cut("the device died"));
    coordinator.accept(device, pair);
    trace.add(`${device} connected`);
    this.#cutLater(device, () => pair.cut("the link was cut"));
    return pair.device;
  }

  /** Bulk bytes go past the link, to whatever blob store the coordinator has at the moment. */
  channel(device: string, process: SimulatedProcess): BlobChannel {
    const { coordinator, faults, observer } = this.#parts;
    const step = async (what: string): Promise<void> => {
      await process.sleep(this.#latency());
      if (faults.strikes("transferFailure", `${device}: ${what}`))
        throw unavailable("the transfer broke off");
    };
    return {
      async upload(reference, read) {
        observer.uploadStarted(device, reference.digest);
        for (;;) {
          await step("upload");
          if (await coordinator.answer(({ blobs }) => blobs.stat(reference.digest))) return;
          const offset = await coordinator.answer(async ({ blobs, board }) => {
            if ((await board.admitUpload(device, reference.digest)) >= reference.length)
              return blobs.uploadOffset(reference.digest);
            throw new SelvedgeError("permission_denied", "nothing was asked of this device");
          });
          const end = Math.min(reference.length, offset + chunkBytes);
          for await (const chunk of read(offset, end)) {
            const received = await coordinator.answer(({ blobs }) => blobs.append(reference, offset, chunk));
            if (received === reference.length) observer.uploaded(reference.digest);
          }
        }
      },
      async download(reference, offset, sink, signal) {
        for (let at = offset; at < reference.length; at += chunkBytes) {
          await step("download");
          if (signal.aborted) throw new SelvedgeError("cancelled", "the download was cancelled");
          const bytes = await coordinator.answer(({ blobs }) => blobs.get(reference.digest));
          await sink(at, bytes.subarray(at, at + chunkBytes));
        }
      },
    };
  }

  #deliver(what: string, deliverNow: () => void): void {
    const { faults, time, trace } = this.#parts;
    if (faults.strikes("loss", what)) return;
    const late = faults.strikes("delay", what) ? faults.between(200, 15_000) : this.#latency();
    const arrive = (): void => {
      trace.add(what);
      deliverNow();
    };
    time.after(late, arrive);
    if (faults.strikes("duplicate", what)) time.after(faults.between(1, 15_000), arrive);
  }

  /** In order once the network is sound; before that, anything overtakes anything. */
  #latency(): number {
    const { faults } = this.#parts;
    return faults.active ? faults.between(1, 200) : quietMs;
  }

  #cutLater(device: string, cut: () => void): void {
    const { faults, time } = this.#parts;
    const life = faults.linkLife();
    if (life === undefined) return;
    time.after(life, () => {
      if (faults.active) faults.record("linkCut", device);
      cut();
    });
  }
}

function arrow(direction: LinkDirection): string {
  return direction === "to-coordinator" ? "->" : "<-";
}

function unavailable(message: string): SelvedgeError {
  return new SelvedgeError("unavailable", message);
}
