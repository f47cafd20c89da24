import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import { deadline } from "./patience.fixture.ts";

/** The root of the sources that are tested. */
export const thisCheckout: string = join(import.meta.dirname, "../..");

/** The program `selvedge` of a checkout. */
export function mainPath(sources: string = thisCheckout): string {
  return join(sources, "apps/cli/src/main.ts");
}

export interface SpawnOptions {
  /** The file that its standard error is added to. */
  readonly log: string;
  /** Whether it is sent messages. */
  readonly hasChannel?: boolean;
  /** Where what it makes durable is written down; see durable-operations.fixture.ts. */
  readonly durableLog?: string | undefined;
  /** As faketime(1) takes it; default: the machine's. */
  readonly clock?: string | undefined;
}

/**
 * A Node process in a group of its own, so that what it starts can be ended with it. It ends with the test,
 * whatever ended that: when its standard input or its channel closes.
 */
export class SpawnedProcess {
  readonly child: ChildProcess;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>;

  constructor(args: readonly string[], options: SpawnOptions) {
    this.child = spawnLogged(args, options);
    this.ended = new Promise((resolve) => this.child.once("exit", () => resolve()));
  }

  /** `kill -9` of itself alone: what it started has to notice by itself. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  /** `kill -9` of all its group. */
  async killGroup(): Promise<void> {
    this.#signalGroup("SIGKILL");
    await this.ended;
  }

  /** Whether anything of its group is left: faketime(1) runs it as a child of its own, whose end nobody waits for. */
  isGroupThere(): boolean {
    return this.#signalGroup(0);
  }

  /** Takes its group the processor away, or gives it back; its connections stay. */
  pause(isPaused: boolean): void {
    if (!this.#signalGroup(isPaused ? "SIGSTOP" : "SIGCONT")) throw new Error("the process has ended");
  }

  /** The next message it sends. */
  async message(): Promise<unknown> {
    const ended = this.ended.then(() => {
      throw new Error("the process ended");
    });
    const [message] = await Promise.race([once(this.child, "message", deadline()), ended]);
    return message;
  }

  /** @returns whether there was anybody to signal */
  #signalGroup(signal: NodeJS.Signals | 0): boolean {
    if (this.child.pid === undefined) return false;
    try {
      return process.kill(-this.child.pid, signal);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
      return false;
    }
  }
}

/** A program and its arguments: Node, told another time than the machine's where a clock is given. */
export function nodeAt(clock: string | undefined, args: readonly string[]): [string, string[]] {
  const node = ["--disable-warning=ExperimentalWarning", ...args];
  return clock === undefined ? [process.execPath, node] : ["faketime", [clock, process.execPath, ...node]];
}

function spawnLogged(
  args: readonly string[],
  { log, hasChannel = false, durableLog, clock }: SpawnOptions,
): ChildProcess {
  mkdirSync(dirname(log), { recursive: true });
  const descriptor = openSync(log, "a", 0o600);
  const observer = durableLog === undefined ? [] : [`--import=${durableOperationsPath}`];
  try {
    return spawn(...nodeAt(clock, [...observer, ...args]), {
      env: {
        ...process.env,
        ...(durableLog === undefined ? {} : { SELVEDGE_DURABLE_LOG: durableLog }),
        // Only what a clock says is faked, not how fast time goes by.
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      },
      stdio: ["pipe", "ignore", descriptor, hasChannel ? "ipc" : "ignore"],
      detached: true,
    });
  } finally {
    closeSync(descriptor);
  }
}

const durableOperationsPath: string = join(import.meta.dirname, "durable-operations.fixture.ts");
