import { createHash } from "node:crypto";

/** What happened, in bounded words; see `auditLimits`. */
export interface AuditEntry {
  /** Who did it: "operator:ada", "device:<id>", "address:192.0.2.7", "coordinator". */
  readonly actor: string;
  /** What, such as "revoke-device" or "enrol". */
  readonly action: string;
  /** To what or whom; may be empty. */
  readonly subject: string;
  readonly detail: AuditDetail;
}

export type AuditDetail = Readonly<Record<string, string | number | boolean>>;

/** One line of the log. */
export interface AuditRecord extends AuditEntry {
  /** From 1, without a gap. */
  readonly sequence: number;
  /** UTC, ISO 8601 with milliseconds. */
  readonly time: string;
  /** SHA-256 of the line before, 64 hexadecimal digits; zeros in the first. */
  readonly previous: string;
}

/** Where a log ends: what a reader remembers to notice later that it was changed or cut short. */
export interface AuditHead {
  /** 0 = the log is empty. */
  readonly sequence: number;
  readonly hash: string;
}

export const emptyAuditHead: AuditHead = { sequence: 0, hash: "0".repeat(64) };

/** Characters of each field, and fields of a detail; longer ones are cut. */
export const auditLimits = {
  actor: 100,
  action: 40,
  subject: 160,
  detailFields: 12,
  detailValue: 200,
  /** One line, bytes; what the limits above come to at most, and some. */
  lineBytes: 32_768,
} as const;

/** The line that follows `head`, without its line break, and the head after it (SPEC AU1). */
export function nextAuditLine(
  head: AuditHead,
  entry: AuditEntry,
  timeMs: number,
): { readonly line: string; readonly head: AuditHead } {
  const record: AuditRecord = {
    sequence: head.sequence + 1,
    time: new Date(timeMs).toISOString(),
    actor: cut(entry.actor, auditLimits.actor),
    action: cut(entry.action, auditLimits.action),
    subject: cut(entry.subject, auditLimits.subject),
    detail: cutDetail(entry.detail),
    previous: head.hash,
  };
  const line = JSON.stringify(record);
  return { line, head: { sequence: record.sequence, hash: hashOfAuditLine(line) } };
}

/** SHA-256 of a line's UTF-8, without its line break; 64 hexadecimal digits. */
export function hashOfAuditLine(line: string): string {
  return createHash("sha256").update(line, "utf8").digest("hex");
}

function cutDetail(detail: AuditDetail): AuditDetail {
  const fields = Object.entries(detail).slice(0, auditLimits.detailFields);
  return Object.fromEntries(
    fields.map(([name, value]) => [
      cut(name, auditLimits.action),
      typeof value === "string" ? cut(value, auditLimits.detailValue) : value,
    ]),
  );
}

/** A lone surrogate would have no UTF-8, and so no hash that others agree on. */
function cut(text: string, max: number): string {
  return text.slice(0, max).toWellFormed();
}
