import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type ListAuditRequest,
  type ListAuditResponseSchema,
  limits,
  readAuditLine,
  SelvedgeError,
} from "@selvedge/protocol";
import type { AuditLog } from "../audit/audit-log.ts";

/**
 * One page of the audit log: looks at up to `limit` records and answers those
 * that were asked for, as the lines they are.
 *
 * @throws SelvedgeError `invalid_argument`; `corrupt` when a filter meets a line that cannot be read.
 */
export async function listAudit(
  audit: Pick<AuditLog, "read" | "head">,
  request: Pick<ListAuditRequest, "after" | "limit" | "sinceMs" | "actor">,
): Promise<MessageInitShape<typeof ListAuditResponseSchema>> {
  const { limit, actor } = request;
  if (request.after > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new SelvedgeError("invalid_argument", `there is no audit record ${request.after}`, { at: "after" });
  }
  const after = Number(request.after);
  // Asked first: the lines then reach at least as far as the head that is told.
  const head = await audit.head();
  const page = await audit.read(after, Math.min(limit || limits.auditPageMax, limits.auditPageMax));
  const sinceMs = Number(request.sinceMs);
  const isWanted = (sequence: number, line: string): boolean => {
    if (sinceMs === 0 && actor === "") return true;
    const record = readAuditLine(line, sequence);
    return (actor === "" || record.actor === actor) && Date.parse(record.time) >= sinceMs;
  };
  return {
    lines: page.filter(({ sequence, line }) => isWanted(sequence, line)).map(({ line }) => line),
    last: BigInt(page.at(-1)?.sequence ?? after),
    headSequence: BigInt(head.sequence),
    headHash: head.hash,
  };
}
