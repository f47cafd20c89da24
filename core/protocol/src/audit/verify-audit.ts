import { SelvedgeError } from "../errors.ts";
import {
  type AuditHead,
  type AuditRecord,
  auditLimits,
  emptyAuditHead,
  hashOfAuditLine,
} from "./audit-record.ts";

/**
 * Follows a log from its first line and refuses the first one that does not
 * follow: a line that was changed, taken out, added or moved (SPEC AU2).
 */
export class AuditVerifier {
  readonly #remembered: AuditHead | undefined;
  #head: AuditHead = emptyAuditHead;

  /** @param remembered - a head of this log that was seen earlier, which it must still contain. */
  constructor(remembered?: AuditHead) {
    this.#remembered = remembered;
  }

  /** Where what was taken so far ends. */
  get head(): AuditHead {
    return this.#head;
  }

  /**
   * @param line - the next line, without its line break.
   * @throws SelvedgeError `corrupt`, naming the record.
   */
  take(line: string): AuditRecord {
    const sequence = this.#head.sequence + 1;
    const record = readAuditLine(line, sequence);
    if (record.sequence !== sequence) {
      throw broken(sequence, `it has the number ${record.sequence}: a record was taken out, added or moved`);
    }
    if (record.previous !== this.#head.hash) {
      throw broken(sequence, "it does not follow the record before, which was changed or exchanged");
    }
    this.#head = { sequence, hash: hashOfAuditLine(line) };
    if (sequence === this.#remembered?.sequence && this.#head.hash !== this.#remembered.hash) {
      throw broken(
        sequence,
        `it is not the one that was remembered, which has the hash ${this.#remembered.hash}`,
      );
    }
    return record;
  }

  /**
   * To be called after the last line.
   *
   * @throws SelvedgeError `corrupt` when the log ends before the remembered head.
   */
  end(): AuditHead {
    const { sequence } = this.#head;
    if (this.#remembered === undefined || sequence >= this.#remembered.sequence) return this.#head;
    throw broken(
      sequence + 1,
      `the log ends before it, and it had ${this.#remembered.sequence} records: it was cut short`,
    );
  }
}

/** @throws SelvedgeError `corrupt` unless the line has the fields of a record, within their limits. */
export function readAuditLine(line: string, sequence: number): AuditRecord {
  if (line.length > auditLimits.lineBytes) throw broken(sequence, "it is too long");
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw broken(sequence, "it is not JSON");
  }
  if (!isRecord(value)) throw broken(sequence, "it does not have the fields of a record");
  return value;
}

function isRecord(value: unknown): value is AuditRecord {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const isText = (name: string): boolean => typeof fields.get(name) === "string";
  const detail = fields.get("detail");
  return (
    Number.isSafeInteger(fields.get("sequence")) &&
    ["time", "actor", "action", "subject", "previous"].every(isText) &&
    typeof detail === "object" &&
    detail !== null &&
    Object.values(detail).every((field) => ["string", "number", "boolean"].includes(typeof field))
  );
}

function broken(sequence: number, why: string): SelvedgeError {
  return new SelvedgeError("corrupt", `the audit log is not whole: ${why}`, {
    at: `audit record ${sequence}`,
    fix: "compare it with an earlier export, and find out who can write to the coordinator's database",
  });
}
