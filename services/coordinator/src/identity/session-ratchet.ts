import { createHmac, timingSafeEqual } from "node:crypto";
import type { Store } from "@selvedge/storage";

/** What the coordinator remembers of the marks it gave to one device; marks are base64url. */
export type SessionMarks = {
  /** How many were made. Never goes back, also when an operator lets the device start over. */
  readonly issued: number;
  /** The newest that the device has shown: it certainly has it. */
  readonly confirmed: string | null;
  /** The newest that was sent; null = start over with whatever the device shows. */
  readonly offered: string | null;
};

export type RatchetTurn =
  | { readonly kind: "turned"; readonly marks: SessionMarks; readonly mark: Uint8Array }
  /** Somebody else holds the same identity, and has been here since. */
  | { readonly kind: "forked"; readonly why: string };

export interface SessionRatchet {
  /** @param shown - the mark in the device's birth; empty = none. */
  turn(device: string, marks: SessionMarks, shown: Uint8Array): RatchetTurn;
}

/**
 * @param random - makes that many random bytes.
 * @returns a ratchet whose key is in the store, beside the records it is for.
 */
export async function openSessionRatchet(
  store: Store,
  random: (bytes: number) => Uint8Array,
): Promise<SessionRatchet> {
  const known = await store.read(keyRecord);
  const text = (known?.value as string | undefined) ?? toText(random(32));
  if (known === undefined)
    await store.commit({ writes: [{ key: keyRecord, expectedVersion: 0, value: text }] });
  return createSessionRatchet(Buffer.from(text, "base64url"), random);
}

/**
 * Tells a device from a copy of it (SPEC EN33). Each session gives the device
 * a fresh mark, which it stores and shows at the next birth. What was copied
 * shares one mark, and whoever comes second with it shows one that the other
 * has used up. A mark carries its number and a MAC, so that a coordinator whose
 * database was restored from a backup recognises those it gave out after it.
 *
 * @param key - secret, 32 bytes, kept with the device records.
 * @param random - makes that many random bytes.
 */
export function createSessionRatchet(key: Uint8Array, random: (bytes: number) => Uint8Array): SessionRatchet {
  function make(device: string, number: number): Uint8Array {
    const mark = Buffer.alloc(markBytes);
    mark.writeUIntBE(number, 0, numberBytes);
    mark.set(random(bodyBytes - numberBytes), numberBytes);
    mark.set(tagOf(key, device, mark), bodyBytes);
    return new Uint8Array(mark);
  }

  return {
    turn(device, marks, shown) {
      const seen = numberOf(key, device, shown);
      const why = forkIn(marks, shown, seen);
      if (why !== undefined) return { kind: "forked", why };
      const issued = Math.max(marks.issued, seen ?? 0) + 1;
      const mark = make(device, issued);
      const confirmed = seen === undefined ? null : toText(shown);
      return { kind: "turned", mark, marks: { issued, confirmed, offered: toText(mark) } };
    },
  };
}

/** @param seen - number of the mark that is shown, if it is one of ours. */
function forkIn(marks: SessionMarks, shown: Uint8Array, seen: number | undefined): string | undefined {
  // A new device, or one that an operator lets start over.
  if (marks.offered === null) return undefined;
  if (shown.length === 0) {
    return marks.confirmed === null ? undefined : "it shows no session mark, and has had one";
  }
  // The last one, or the one before it when the last was lost on its way.
  const text = toText(shown);
  if (text === marks.offered || text === marks.confirmed) return undefined;
  if (seen === undefined) return "it shows a session mark that was never given to it";
  // After a restore from a backup the device is ahead of us.
  if (seen > marks.issued) return undefined;
  return `it shows session mark ${seen}, and mark ${numberIn(marks.confirmed ?? marks.offered)} has been used since`;
}

function numberOf(key: Uint8Array, device: string, mark: Uint8Array): number | undefined {
  const bytes = Buffer.from(mark);
  if (bytes.length !== markBytes) return undefined;
  const isOurs = timingSafeEqual(tagOf(key, device, bytes), bytes.subarray(bodyBytes));
  return isOurs ? bytes.readUIntBE(0, numberBytes) : undefined;
}

function numberIn(text: string): number {
  return Buffer.from(text, "base64url").readUIntBE(0, numberBytes);
}

function tagOf(key: Uint8Array, device: string, mark: Buffer): Buffer {
  return createHmac("sha256", key)
    .update(`selvedge session mark v1\0${device}\0`)
    .update(mark.subarray(0, bodyBytes))
    .digest()
    .subarray(0, markBytes - bodyBytes);
}

function toText(mark: Uint8Array): string {
  return Buffer.from(mark).toString("base64url");
}

const keyRecord = "session-mark-key";
const markBytes = 32;
/** Number and random part; the rest is the tag, 128 bits. */
const bodyBytes = 16;
const numberBytes = 6;
