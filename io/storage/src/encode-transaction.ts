import { limits, SelvedgeError } from "@selvedge/protocol";
import type { StoredRecord, Transaction } from "./store.ts";

/** A write that passed the store's constraints, its value as JSON text. */
export interface EncodedWrite {
  readonly key: string;
  readonly expectedVersion: number | undefined;
  /** undefined deletes the key. */
  readonly json: string | undefined;
}

/**
 * Checks a transaction against the constraints of `Store` and fixes its values
 * as text, so that later changes by the caller cannot reach the store.
 * @throws SelvedgeError `invalid_argument`, `too_large`
 */
export function encodeTransaction(transaction: Transaction): readonly EncodedWrite[] {
  const seen = new Set<string>();
  return transaction.writes.map(({ key, expectedVersion, value }) => {
    checkKey(key);
    if (seen.has(key)) throw invalid(`two writes of key "${key}" in one transaction`, "merge them into one");
    seen.add(key);
    if (expectedVersion !== undefined && !(Number.isSafeInteger(expectedVersion) && expectedVersion >= 0)) {
      throw invalid(`expectedVersion ${expectedVersion} of key "${key}"`, "give a whole number of 0 or more");
    }
    return { key, expectedVersion, json: value === undefined ? undefined : encodeValue(key, value) };
  });
}

/** @throws SelvedgeError `invalid_argument`, `too_large` */
export function checkKey(key: string): void {
  if (key === "" || !key.isWellFormed() || key.includes("\0")) {
    throw invalid(
      `key ${JSON.stringify(key)} is empty, holds a zero byte or is not well-formed text`,
      "give a key of 1 to 512 bytes",
    );
  }
  const bytes = Buffer.byteLength(key);
  if (bytes > limits.recordKeyBytesMax) {
    throw new SelvedgeError("too_large", `key of ${bytes} bytes, more than ${limits.recordKeyBytesMax}`, {
      at: `${key.slice(0, 64)}…`,
      fix: "use a shorter key",
    });
  }
}

/** A record as text. @throws SelvedgeError `invalid_argument`, `too_large` */
export function encodeRecord(key: string, value: unknown): string {
  checkKey(key);
  return encodeValue(key, value);
}

/** A record from its row in a database. */
export function decodeRow({ key, version, value }: Readonly<Record<string, unknown>>): StoredRecord {
  return { key: String(key), version: Number(version), value: JSON.parse(String(value)) };
}

/** The refusal of a call to a store that is closed. */
export function storeClosed(at: string): SelvedgeError {
  return new SelvedgeError("failed_precondition", "the store is closed", { at });
}

/** The refusal to load a snapshot over records. */
export function alreadyFilled(at: string): SelvedgeError {
  return new SelvedgeError("already_exists", "there are records already", {
    at,
    fix: "give an empty database, or move this one away",
  });
}

/** The refusal of a write whose expected version does not hold. */
export function versionConflict(key: string, expected: number, actual: number): SelvedgeError {
  return new SelvedgeError("conflict", `key "${key}" has version ${actual}, not ${expected}`, {
    at: key,
    fix: "read it again and decide anew",
  });
}

/** @throws SelvedgeError `invalid_argument` */
export function checkList(prefix: string, after: string, limit: number): void {
  if (!prefix.isWellFormed() || !after.isWellFormed()) {
    throw invalid("list prefix or position is not well-formed text", "give whole characters");
  }
  if (!Number.isSafeInteger(limit) || limit < 1) throw invalid(`list limit ${limit}`, "give 1 or more");
}

function encodeValue(key: string, value: unknown): string {
  checkJson(value, key, 0);
  const json = JSON.stringify(value);
  const bytes = Buffer.byteLength(json);
  if (bytes <= limits.recordBytesMax) return json;
  throw new SelvedgeError("too_large", `value of ${bytes} bytes, more than ${limits.recordBytesMax}`, {
    at: key,
    fix: "keep bulk bytes in the blob store and store their digest",
  });
}

/** JSON.stringify turns NaN into null and a Map into {}: silent loss, so refuse it here. */
function checkJson(value: unknown, at: string, depth: number): void {
  if (depth > limits.recordDepthMax) {
    throw invalid(`value nested deeper than ${limits.recordDepthMax} at ${at}`, "flatten the record");
  }
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkJson(item, `${at}[${index}]`, depth + 1);
    return;
  }
  if (!isPlainObject(value)) throw invalid(`value at ${at} is not JSON`, "store plain JSON only");
  for (const [name, item] of Object.entries(value)) {
    if (item !== undefined) checkJson(item, `${at}.${name}`, depth + 1);
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function invalid(message: string, fix: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", message, { fix });
}
