import type { AuditEntry } from "@selvedge/protocol";
import { TokenBucket } from "../identity/token-bucket.ts";
import type { AuditLog } from "./audit-log.ts";

/**
 * Records refusals, which whoever is refused can cause as often as they like,
 * so that they cannot fill the disk (SPEC AU5).
 */
export class RefusalLog {
  readonly #audit: Pick<AuditLog, "append">;
  readonly #now: () => number;
  readonly #onError: (error: unknown) => void;
  /** By action, so that one kind of noise does not hide another; there are few. */
  readonly #shares = new Map<string, Share>();

  /** @param now - milliseconds since 1970. */
  constructor(audit: Pick<AuditLog, "append">, now: () => number, onError: (error: unknown) => void) {
    this.#audit = audit;
    this.#now = now;
    this.#onError = onError;
  }

  /** Returns at once: a refusal does not wait for the disk. */
  record(entry: AuditEntry): void {
    const share = this.#shareOf(entry.action);
    if (share.bucket.take() > 0) {
      share.leftOut += 1;
      return;
    }
    const { leftOut } = share;
    share.leftOut = 0;
    const detail = leftOut === 0 ? entry.detail : { ...entry.detail, leftOut };
    this.#audit.append({ ...entry, detail }).catch((thrown: unknown) => {
      share.leftOut += leftOut + 1;
      this.#onError(thrown);
    });
  }

  #shareOf(action: string): Share {
    const known = this.#shares.get(action);
    if (known !== undefined) return known;
    const share = { bucket: new TokenBucket({ burst: 60, perSecond: 1 / 60 }, this.#now), leftOut: 0 };
    this.#shares.set(action, share);
    return share;
  }
}

interface Share {
  readonly bucket: TokenBucket;
  leftOut: number;
}
