import { createHash, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { lengthPrefixed } from "./length-prefixed.ts";

/** What the MAC of an `EnrolRequest` covers (SPEC EN4). */
export interface EnrolmentClaim {
  readonly tokenId: string;
  readonly trustDomain: string;
  /** Host name the device dialled: lower case, no port, no brackets. */
  readonly host: string;
  readonly nonce: Uint8Array;
  /** PKCS #10, DER; its SHA-256 is what is covered. */
  readonly csr: Uint8Array;
  /** TLS exporter of the connection (RFC 9266), 32 bytes; empty when not bound to it. */
  readonly exporter: Uint8Array;
}

/** Label and length (bytes) of the TLS exporter that binds a MAC to its connection, RFC 9266 section 2. */
export const channelBinding = { label: "EXPORTER-Channel-Binding", bytes: 32 } as const;

/**
 * HKDF-SHA-256 (RFC 5869) of a token's secret, salted with the token's id. The
 * coordinator keeps this key and never the secret.
 *
 * @returns 32 bytes.
 */
export function enrolmentKey(secret: Uint8Array, tokenId: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, tokenId, keyInfo, 32));
}

/** HMAC-SHA-256 over the label and the fields of the claim, each after its length (32 bits, big endian). */
export function enrolmentMac(key: Uint8Array, claim: EnrolmentClaim): Uint8Array {
  const { tokenId, trustDomain, host, nonce, exporter } = claim;
  const csrHash = createHash("sha256").update(claim.csr).digest();
  const fields = [macLabel, tokenId, trustDomain, host, nonce, csrHash, exporter];
  return new Uint8Array(createHmac("sha256", key).update(lengthPrefixed(fields)).digest());
}

/** Compares in constant time. */
export function verifyEnrolmentMac(key: Uint8Array, claim: EnrolmentClaim, mac: Uint8Array): boolean {
  const expected = enrolmentMac(key, claim);
  return mac.length === expected.length && timingSafeEqual(mac, expected);
}

const keyInfo = "selvedge enrolment key v1";
const macLabel = "selvedge enrolment v1";
