import { readFile } from "node:fs/promises";
import { SelvedgeError } from "@selvedge/protocol";

export interface MemoryWatchOptions {
  /** Resident memory that a process may have, bytes. */
  readonly bytesMax: number;
  /** Called once, when it has more. */
  readonly onExceeded: (error: SelvedgeError) => void;
}

/**
 * Looks at the resident memory of a process several times a second, and says
 * when it is too much: a model whose memory was inferred wrong, or that grows,
 * must not take the machine down.
 *
 * Where `/proc` cannot be read (another system, Node's permission model) there is
 * nothing to see, and nothing happens.
 */
export class MemoryWatch {
  readonly #pid: number;
  readonly #options: MemoryWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #stopped = false;

  constructor(pid: number, options: MemoryWatchOptions) {
    this.#pid = pid;
    this.#options = options;
    this.#timer = setInterval(() => void this.#look(), everyMs).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const { bytesMax, onExceeded } = this.#options;
    const bytes = await residentBytes(this.#pid);
    if (this.#stopped || bytes === undefined || bytes <= bytesMax) return;
    this.stop();
    onExceeded(
      new SelvedgeError(
        "too_large",
        `the process had ${megabytes(bytes)} of memory; at most ${megabytes(bytesMax)} are allowed`,
        { fix: "use a smaller model, batch or dataset, or allow more memory" },
      ),
    );
  }
}

/** Resident memory of a process (proc(5), `VmRSS`), bytes; undefined once it is gone, or where it cannot be seen. */
async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kibibytes = /^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024;
}

export function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

/** A process can allocate some gigabytes a second; reading takes some tens of microseconds. */
const everyMs = 100;
