import { type AuditHead, SelvedgeError } from "@selvedge/protocol";

/** "12:<64 hexadecimal digits>": the form in which a head is printed and remembered. */
export function formatAuditHead({ sequence, hash }: AuditHead): string {
  return `${sequence}:${hash}`;
}

/** @throws SelvedgeError `invalid_argument`. */
export function parseAuditHead(text: string): AuditHead {
  const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence !== undefined && hash !== undefined) return { sequence: Number(sequence), hash };
  throw new SelvedgeError("invalid_argument", `"${text.slice(0, 80)}" is not the head of an audit log`, {
    at: "--head",
    fix: "give what `selvedge audit verify` or `audit export` printed, a number, a colon and 64 hexadecimal digits",
  });
}
