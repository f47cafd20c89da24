import { type FileHandle, open } from "node:fs/promises";

/** One payload that left the device, or is about to. */
export interface AuditEntry {
  readonly time: string;
  /**
   * "update" is a model update with its metrics, "evaluation" metrics alone, "statistics" sums over
   * columns. Nothing else carries anything learned.
   */
  readonly kind: "update" | "evaluation" | "statistics";
  readonly job: string;
  readonly round: number;
  readonly planDigest: string;
  readonly signer: string;
  readonly digest: string;
  readonly bytes: number;
  readonly examples: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Answers to the questions of the plan's aggregator; absent = none. */
  readonly bits?: Readonly<Record<string, boolean>>;
  /** The whole payload, of statistics. */
  readonly statistics?: unknown;
  /** What was made with it and stays on the device. */
  readonly kept?: KeptEntry;
}

export interface KeptEntry {
  readonly digest: string;
  readonly bytes: number;
  /** The parameters that are personal, by the plan's patterns. */
  readonly personal: readonly string[];
  /** Whether the optimizer's state is in it. */
  readonly optimizerState: boolean;
  /** Whether a model of the device's own is, of Ditto. */
  readonly model: boolean;
  /** Whether a correction is, of SCAFFOLD or FedDyn. */
  readonly correction: boolean;
}

/**
 * Append-only record of everything that left, one JSON object a line. A line
 * is on disk before the payload is on the wire (SPEC SU8). What a crash or a
 * full disk cut short stays a line of its own.
 */
export class AuditLog {
  readonly #file: FileHandle;
  /** Whether the file may end inside a line. */
  #isTorn: boolean;

  private constructor(file: FileHandle, isTorn: boolean) {
    this.#file = file;
    this.#isTorn = isTorn;
  }

  static async open(path: string): Promise<AuditLog> {
    const file = await open(path, "a+", 0o600);
    return new AuditLog(file, await endsInsideLine(file));
  }

  async append(entry: AuditEntry): Promise<void> {
    const start = this.#isTorn ? "\n" : "";
    this.#isTorn = true;
    await this.#file.appendFile(`${start}${JSON.stringify(entry)}\n`);
    this.#isTorn = false;
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function endsInsideLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  await file.read(last, 0, 1, size - 1);
  return last.toString() !== "\n";
}
