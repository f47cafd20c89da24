import { type Envelope, SelvedgeError } from "@selvedge/protocol";
import type { Link, LinkDirection } from "@selvedge/transport";
import type { SimulatedCoordinator } from "./simulated-coordinator.ts";
import { type Path, SimulatedLink } from "./simulated-link.ts";
import type { NodeParts } from "./simulated-node.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

export interface NetworkParts extends NodeParts {
  readonly coordinator: SimulatedCoordinator;
  readonly devices: readonly string[];
}

const quietMs = 10;

/** What lies between devices and their coordinator. */
export class SimulatedNetwork {
  readonly #parts: NetworkParts;
  readonly #paths: ReadonlyMap<string, Path>;
  readonly #links = new Map<string, SimulatedLink>();

  constructor(parts: NetworkParts) {
    this.#parts = parts;
    this.#paths = new Map(parts.devices.map((device) => [device, openPath()]));
    parts.faults.each("partition", () => this.#partition());
    parts.time.after(parts.faults.endsAt - parts.time.now, () => {
      for (const path of this.#paths.values()) Object.assign(path, openPath());
    });
  }

  async dial(device: string, process: SimulatedProcess): Promise<Link> {
    const { coordinator, faults, trace } = this.#parts;
    await this.pass(device, "to-coordinator", process);
    if (!coordinator.isUp) throw unavailable("the coordinator is down");
    coordinator.authorise(device);
    if (faults.strikes("dialFailure", device)) throw unavailable("the dial failed");
    await this.pass(device, "to-device", process);
    if (!coordinator.isUp) throw unavailable("the coordinator is down");
    const link = this.#connect(device);
    process.onEnd((ending) => {
      if (ending === "powerCut") link.goDeaf("to-coordinator", "to-device");
      else link.device.close("the device died");
    });
    coordinator.accept(device, link);
    trace.add(`${device} connected`);
    return link.device;
  }

  /** Resolves when a request or an answer has crossed. @throws SelvedgeError `unavailable` when nothing gets through. */
  async pass(device: string, direction: LinkDirection, process: SimulatedProcess): Promise<void> {
    await process.sleep(this.latency());
    const path = this.#path(device);
    for (let waited = 0; !path[direction]; waited += patienceStepMs) {
      if (waited >= patienceMs) throw unavailable(`nothing moved for ${patienceMs / 1_000} s`);
      await process.sleep(patienceStepMs);
    }
  }

  /** In order once the network is sound; before that, anything overtakes anything. */
  latency(): number {
    const { faults } = this.#parts;
    return faults.active ? faults.between(1, 200) : quietMs;
  }

  #connect(device: string): SimulatedLink {
    const { faults, time } = this.#parts;
    const link = new SimulatedLink(this.#path(device), {
      after: (ms, run) => time.after(ms, run),
      between: (low, high) => faults.between(low, high),
      latency: () => this.latency(),
      deliver: (envelope, direction, deliverNow) => this.#deliver(device, envelope, direction, deliverNow),
    });
    this.#links.set(device, link);
    const spare = [
      faults.next("linkCut", () => {
        faults.record("linkCut", device);
        link.cut("the link was cut");
      }),
      faults.next("halfOpen", () => {
        const deaf = faults.pick(deafness);
        faults.record("halfOpen", `${device} ${deaf.join(" and ")}`);
        link.goDeaf(...deaf);
      }),
    ];
    link.device.onClose(() => {
      for (const callOff of spare) callOff();
    });
    return link;
  }

  #deliver(device: string, envelope: Envelope, direction: LinkDirection, deliverNow: () => void): void {
    const { coordinator, faults, observer, time, trace } = this.#parts;
    if (direction === "to-device") observer.sent(device, envelope.body, coordinator.disk);
    const arrow = direction === "to-coordinator" ? "->" : "<-";
    const what = `${device} ${arrow} ${envelope.body.case} #${envelope.sequence}`;
    if (faults.strikes("loss", what)) return;
    const path = this.#path(device);
    const arrive = (): void => {
      // A connection that outlives a partition sends again what did not get through.
      if (!path[direction]) return void time.after(faults.between(500, 5_000), arrive);
      trace.add(what);
      deliverNow();
    };
    time.after(faults.strikes("delay", what) ? faults.between(200, 15_000) : this.latency(), arrive);
    if (faults.strikes("duplicate", what)) time.after(faults.between(1, 15_000), arrive);
  }

  /** Cuts off one device, some or all of them, in one direction or both. */
  #partition(): void {
    const { devices, faults, time } = this.#parts;
    const share = faults.pick([0, 0.3, 0.7, 1]);
    const one = devices[faults.between(0, devices.length)];
    const group = devices.filter((device) => device === one || faults.chance(share));
    const closed = faults.pick(deafness);
    faults.record("partition", `${group.length} of ${devices.length} devices ${closed.join(" and ")}`);
    this.#set(group, closed, false);
    time.after(faults.between(1_000, 90_000), () => this.#set(group, closed, true));
  }

  #set(group: readonly string[], directions: readonly LinkDirection[], isOpen: boolean): void {
    for (const device of group) {
      for (const direction of directions) this.#path(device)[direction] = isOpen;
      if (!isOpen) this.#links.get(device)?.watch();
    }
  }

  #path(device: string): Path {
    const path = this.#paths.get(device);
    if (path === undefined) throw new SelvedgeError("internal", `no way to ${device}`);
    return path;
  }
}

function openPath(): Path {
  return { "to-coordinator": true, "to-device": true };
}

export function unavailable(message: string): SelvedgeError {
  return new SelvedgeError("unavailable", message);
}

const deafness: readonly [LinkDirection[], ...LinkDirection[][]] = [
  ["to-coordinator", "to-device"],
  ["to-coordinator"],
  ["to-device"],
];
/** How long a transfer or a dial waits while nothing moves. */
const patienceMs = 30_000;
const patienceStepMs = 2_000;
