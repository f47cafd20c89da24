import { type FileHandle, open } from "node:fs/promises";

/** One payload that left the device, or is about to. */
export interface AuditEntry {
  readonly time: string;
  /** "update" is a model update with its metrics, "statistics" sums over columns. Nothing else carries anything learned. */
  readonly kind: "update" | "statistics";
  readonly job: string;
  readonly round: number;
  readonly planDigest: string;
  readonly signer: string;
  readonly digest: string;
  readonly bytes: number;
  readonly examples: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** The whole payload, of statistics. */
  readonly statistics?: unknown;
}

/**
 * Append-only record of everything that left, one JSON object a line. A line
 * is on disk before the payload is on the wire (SPEC SU8).
 */
export class AuditLog {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<AuditLog> {
    return new AuditLog(await open(path, "a", 0o600));
  }

  async append(entry: AuditEntry): Promise<void> {
    await this.#file.appendFile(`${JSON.stringify(entry)}\n`);
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
