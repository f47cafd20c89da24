import type { AuditHead } from "@selvedge/protocol";
import type { OperatorSession } from "./operator-session.ts";

export interface AuditQuery {
  /** Records after this one; 0 = from the first. */
  readonly after: number;
  /** Milliseconds since 1970; 0 = any time. */
  readonly sinceMs: number;
  /** Empty = anybody. */
  readonly actor: string;
}

/** The coordinator's audit log, a page at a time, up to where it ended when it was asked for first. */
export async function* readAudit(
  { client, call }: OperatorSession,
  { after, sinceMs, actor }: AuditQuery,
): AsyncGenerator<{ readonly lines: readonly string[]; readonly head: AuditHead }> {
  let last = BigInt(after);
  let head: AuditHead | undefined;
  do {
    const page = await client.listAudit({ after: last, sinceMs: BigInt(sinceMs), actor }, call);
    head ??= { sequence: Number(page.headSequence), hash: page.headHash };
    yield { lines: page.lines, head };
    if (page.last === last) return;
    last = page.last;
  } while (last < BigInt(head.sequence));
}
