import type { AuditEntry } from "@selvedge/protocol";
import { TokenBucket } from "../identity/token-bucket.ts";
import type { AuditLog } from "./audit-log.ts";

/**
 * Records refusals, which whoever is refused can cause as often as they like,
 * so that they cannot fill the disk (SPEC AU5).
 */
export class RefusalLog {
  readonly #audit: Pick<AuditLog, "append">;
  readonly #bucket: TokenBucket;
  readonly #onError: (error: unknown) => void;
  #leftOut = 0;

  /** @param now - milliseconds since 1970. */
  constructor(audit: Pick<AuditLog, "append">, now: () => number, onError: (error: unknown) => void) {
    this.#audit = audit;
    this.#bucket = new TokenBucket({ burst: 60, perSecond: 1 / 60 }, now);
    this.#onError = onError;
  }

  /** Returns at once: a refusal does not wait for the disk. */
  record(entry: AuditEntry): void {
    if (this.#bucket.take() > 0) {
      this.#leftOut += 1;
      return;
    }
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    const detail = leftOut === 0 ? entry.detail : { ...entry.detail, leftOut };
    this.#audit.append({ ...entry, detail }).catch((thrown: unknown) => {
      this.#leftOut += leftOut + 1;
      this.#onError(thrown);
    });
  }
}
