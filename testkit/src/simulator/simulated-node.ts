import { SeededRandom, SelvedgeError } from "@selvedge/protocol";
import type { FaultPlan } from "./fault-plan.ts";
import type { FleetObserver } from "./fleet-observer.ts";
import type { FleetTrace } from "./fleet-trace.ts";
import { SimulatedBlobStore } from "./simulated-blob-store.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import { emptyDisk, type SimulatedDisk } from "./simulated-disk.ts";
import { losePower } from "./simulated-files.ts";
import { type Ending, Killed, SimulatedProcess } from "./simulated-process.ts";
import { SimulatedStore } from "./simulated-store.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface NodeParts {
  readonly seed: number;
  readonly time: VirtualTime;
  readonly faults: FaultPlan;
  readonly trace: FleetTrace;
  readonly observer: FleetObserver;
}

/** What production code is given to run on. */
export interface Machine {
  readonly process: SimulatedProcess;
  readonly store: SimulatedStore;
  readonly blobs: SimulatedBlobStore;
  readonly random: SeededRandom;
}

/** A machine: a disk, clocks, and one process after another that runs on it. */
export abstract class SimulatedNode {
  readonly name: string;
  readonly disk: SimulatedDisk = emptyDisk();
  readonly clock: SimulatedClock;
  protected readonly parts: NodeParts;
  /** Processes so far. */
  protected lives = 0;
  #process: SimulatedProcess;

  constructor(name: string, parts: NodeParts) {
    this.name = name;
    this.parts = parts;
    this.clock = new SimulatedClock(parts.time);
    this.#process = new SimulatedProcess(parts.time);
    this.#sufferFaults();
  }

  /** Starts a process; when it dies, the next follows after a while. */
  start(): void {
    const { faults, seed, time, trace } = this.parts;
    const process = new SimulatedProcess(time);
    this.#process = process;
    this.lives += 1;
    trace.add(`${this.name} starts`);
    const random = SeededRandom.fromSeed("machine", this.name, seed, this.lives);
    const spareTheDead = faults.next("powerCut", () => {
      const ending = faults.pick(endings);
      faults.record("powerCut", `${this.name} (${ending})`);
      process.end(ending);
    });
    process.onEnd((ending) => {
      spareTheDead();
      if (ending === "powerCut") this.#losePower(random);
      time.after(faults.between(500, 20_000), () => this.start());
    });
    const { disk, name } = this;
    const store = new SimulatedStore({ disk, process, random, faults, name });
    const blobs = new SimulatedBlobStore({ disk, process, random, name });
    this.run({ process, store, blobs, random }).catch((thrown: unknown) => {
      this.trouble(process, "start", SelvedgeError.from(thrown));
      process.end("kill");
    });
  }

  /** Kills its process; the next one finds what that left behind. */
  kill(): void {
    this.#process.end("kill");
  }

  /** Runs production code as this process. */
  protected abstract run(machine: Machine): Promise<void>;

  /** The journal of a process cannot go on: only a kill may be the reason. */
  protected halted(process: SimulatedProcess, error: unknown): void {
    const { faults, observer, trace } = this.parts;
    if (!(error instanceof Killed)) observer.violation(`${this.name} halted: ${error}`);
    trace.add(`${this.name} halts: ${error instanceof Error ? error.message : error}`);
    process.end(faults.pick(endings));
  }

  protected follow(process: SimulatedProcess, work: Promise<unknown>): void {
    work.catch((thrown: unknown) => {
      const error = SelvedgeError.from(thrown);
      this.trouble(process, "work", error);
    });
  }

  /** Trouble is expected here; a mistake of our own never is. */
  protected trouble(process: SimulatedProcess, what: string, error: SelvedgeError): void {
    if (!process.alive) return;
    const { observer, trace } = this.parts;
    trace.add(`${this.name} ${what} ${error.code}: ${error.message} (${error.at ?? "-"})`);
    if (error.culprit === "us") observer.violation(`${this.name} ${what}: ${error.message}`);
  }

  #losePower(random: SeededRandom): void {
    const torn = losePower(this.disk.files, random);
    for (let file = 0; file < torn; file += 1) this.parts.faults.record("tornFile", this.name);
  }

  #sufferFaults(): void {
    const { faults, time } = this.parts;
    const { clock, disk, name } = this;
    faults.each("diskFull", () => {
      faults.record("diskFull", name);
      disk.isFull = true;
      time.after(faults.between(1_000, 60_000), () => {
        disk.isFull = false;
      });
    });
    faults.each("slowDisk", () => {
      faults.record("slowDisk", name);
      disk.isSlow = true;
      time.after(faults.between(1_000, 60_000), () => {
        disk.isSlow = false;
      });
    });
    faults.each("clockJump", () => {
      const ms = faults.pick(jumps) * faults.between(1_000, 100_000);
      faults.record("clockJump", `${name} is ${Math.round(ms / 1_000)} s ahead`);
      clock.set(ms);
    });
    time.after(faults.endsAt - time.now, () => {
      disk.isFull = false;
      disk.isSlow = false;
      clock.set(0);
    });
  }
}

const endings: readonly [Ending, ...Ending[]] = ["kill", "powerCut"];
/** Seconds, minutes, hours and days, behind and ahead; 0 = it is set right again. */
const jumps: readonly [number, ...number[]] = [0, -1, 1, -36, 36, -3_600, 3_600];
