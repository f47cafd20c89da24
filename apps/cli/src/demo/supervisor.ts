import { SelvedgeError } from "@selvedge/protocol";
import { type ProcessOptions, SelvedgeProcess } from "./selvedge-process.ts";

/** Keeps the processes of a demo together, so that none outlives it. */
export class Supervisor {
  readonly #running = new Set<SelvedgeProcess>();
  #isStopping = false;
  readonly #onLost: (process: SelvedgeProcess, error: SelvedgeError) => void;

  /** @param onLost - told when a service ends that was not asked to */
  constructor(onLost: (process: SelvedgeProcess, error: SelvedgeError) => void) {
    this.#onLost = onLost;
  }

  /** Starts a process that runs until `stop`. @throws SelvedgeError `cancelled` after `stop` or `kill`. */
  start(options: ProcessOptions): SelvedgeProcess {
    const process = this.#start(options);
    void process.ended.then((error) => {
      if (!process.isStopping) this.#onLost(process, error ?? endedEarly(process.name));
    });
    return process;
  }

  /** Runs a process to its end. @throws SelvedgeError what it ended with, unless that is success. */
  async run(options: ProcessOptions): Promise<void> {
    const error = await this.#start(options).ended;
    if (error !== undefined) throw error;
  }

  /** Ends every process and waits until all are gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#running].map((process) => process.stop()));
  }

  /** Ends every process now; for when there is no time to wait. */
  kill(): void {
    this.#isStopping = true;
    for (const process of this.#running) process.kill();
  }

  #start(options: ProcessOptions): SelvedgeProcess {
    if (this.#isStopping) throw new SelvedgeError("cancelled", "the demo is ending", { at: options.name });
    const process = new SelvedgeProcess(options);
    this.#running.add(process);
    void process.ended.then(() => this.#running.delete(process));
    return process;
  }
}

function endedEarly(name: string): SelvedgeError {
  return new SelvedgeError("unavailable", `${name} ended before it was asked to`, { at: name });
}
