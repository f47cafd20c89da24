import { SelvedgeError } from "@selvedge/protocol";
import type { FaultPlan } from "./fault-plan.ts";
import type { FleetObserver } from "./fleet-observer.ts";
import type { FleetTrace } from "./fleet-trace.ts";
import { emptyDisk, type SimulatedDisk } from "./simulated-disk.ts";
import { Killed, SimulatedProcess } from "./simulated-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface NodeParts {
  readonly seed: number;
  readonly time: VirtualTime;
  readonly faults: FaultPlan;
  readonly trace: FleetTrace;
  readonly observer: FleetObserver;
}

/** A machine: a disk, and one process after another that runs on it. */
export abstract class SimulatedNode {
  readonly name: string;
  readonly disk: SimulatedDisk = emptyDisk();
  protected readonly parts: NodeParts;
  /** Processes so far. */
  protected lives = 0;

  constructor(name: string, parts: NodeParts) {
    this.name = name;
    this.parts = parts;
  }

  /** Starts a process; when it dies, the next follows after a while. */
  start(): void {
    const { faults, time, trace } = this.parts;
    const process = new SimulatedProcess(time);
    this.lives += 1;
    trace.add(`${this.name} starts`);
    process.onEnd(() => time.after(faults.between(500, 20_000), () => this.start()));
    const life = faults.processLife();
    if (life !== undefined) {
      process.after(life, () => {
        if (!faults.active) return;
        faults.record("powerCut", this.name);
        process.end();
      });
    }
    this.follow(process, this.run(process));
  }

  /** Runs production code as this process. */
  protected abstract run(process: SimulatedProcess): Promise<void>;

  /** The journal of a process cannot go on: only a kill may be the reason. */
  protected halted(process: SimulatedProcess, error: unknown): void {
    if (!(error instanceof Killed)) this.parts.observer.violation(`${this.name} halted: ${error}`);
    process.end();
  }

  protected follow(process: SimulatedProcess, work: Promise<unknown>): void {
    work.catch((thrown: unknown) => this.trouble(process, "work", SelvedgeError.from(thrown)));
  }

  /** Trouble is expected here; a mistake of our own never is. */
  protected trouble(process: SimulatedProcess, what: string, error: SelvedgeError): void {
    if (!process.alive) return;
    const { observer, trace } = this.parts;
    trace.add(`${this.name} ${what} ${error.code}: ${error.message} (${error.at ?? "-"})`);
    if (error.culprit === "us") observer.violation(`${this.name} ${what}: ${error.message}`);
  }
}
