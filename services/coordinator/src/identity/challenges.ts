import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { SelvedgeError } from "@selvedge/protocol";

/** Nonces for enrolment: 32 bytes, fresh for a minute, good for one use (SPEC EN5). */
export interface Challenges {
  issue(): Uint8Array;
  /** @throws SelvedgeError `failed_precondition` unless it is ours, fresh and not used. */
  check(nonce: Uint8Array): void;
  /**
   * Uses a nonce up, after its answer was proven right.
   *
   * @throws SelvedgeError as `check`, or `resource_exhausted`.
   */
  consume(nonce: Uint8Array): void;
}

/**
 * A nonce is its issue time, random bytes and an HMAC over both, so that asking
 * for many costs us nothing; only used ones are remembered, for a minute, and
 * only who holds a token can use one. The key dies with the process.
 *
 * @param now - milliseconds since 1970.
 */
export function createChallenges(now: () => number): Challenges {
  const key = randomBytes(32);
  const usedAtMs = new Map<string, number>();

  function check(nonce: Uint8Array): void {
    const bytes = Buffer.from(nonce);
    const genuine =
      bytes.length === nonceBytes && timingSafeEqual(tagOf(key, bytes), bytes.subarray(bodyBytes));
    if (!genuine) throw refused("it is not from this coordinator");
    const age = now() - bytes.readUIntBE(0, timeBytes);
    if (age < 0 || age > lifetimeMs) throw refused("it is older than a minute");
    if (usedAtMs.has(bytes.toString("hex"))) throw refused("it was used before");
  }

  return {
    issue() {
      const nonce = randomBytes(nonceBytes);
      nonce.writeUIntBE(now(), 0, timeBytes);
      tagOf(key, nonce).copy(nonce, bodyBytes);
      return new Uint8Array(nonce);
    },
    check,
    consume(nonce) {
      check(nonce);
      const oldestMs = now() - lifetimeMs;
      for (const [text, atMs] of usedAtMs) {
        if (atMs >= oldestMs) break;
        usedAtMs.delete(text);
      }
      if (usedAtMs.size >= usedMax) {
        throw new SelvedgeError("resource_exhausted", "too many devices enrol at this moment", {
          at: "EnrolRequest.nonce",
          fix: "run the same command again in a minute",
        });
      }
      usedAtMs.set(Buffer.from(nonce).toString("hex"), now());
    },
  };
}

function tagOf(key: Uint8Array, nonce: Buffer): Buffer {
  return createHmac("sha256", key)
    .update(nonce.subarray(0, bodyBytes))
    .digest()
    .subarray(0, nonceBytes - bodyBytes);
}

function refused(why: string): SelvedgeError {
  return new SelvedgeError("failed_precondition", `the challenge is refused: ${why}`, {
    at: "EnrolRequest.nonce",
    fix: "ask for a new challenge: run the same command again",
  });
}

const nonceBytes = 32;
/** Time and random part; the rest is the tag, 128 bits. */
const bodyBytes = 16;
const timeBytes = 6;
const lifetimeMs = 60_000;
const usedMax = 10_000;
