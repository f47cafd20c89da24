import { createHash, type KeyObject, sign, verify } from "node:crypto";
import { lengthPrefixed } from "./length-prefixed.ts";

/** What the signature of a `RenewExpiredRequest` covers (SPEC EN19). */
export interface RenewalClaim {
  readonly nonce: Uint8Array;
  /** Host name the device dialled: lower case, no port, no brackets. */
  readonly host: string;
  /** PKCS #10, DER; its SHA-256 is what is covered. */
  readonly csr: Uint8Array;
  /** The certificate that ran out, DER; its SHA-256 is what is covered. */
  readonly certificate: Uint8Array;
}

/**
 * ECDSA with SHA-256 over the label and the fields of the claim.
 *
 * @param privateKey - P-256, of the certificate that ran out.
 * @returns DER.
 */
export function signRenewal(privateKey: KeyObject, claim: RenewalClaim): Uint8Array {
  return new Uint8Array(sign("sha256", signed(claim), privateKey));
}

/** False also for what is no signature at all. */
export function verifyRenewal(publicKey: KeyObject, claim: RenewalClaim, signature: Uint8Array): boolean {
  return verify("sha256", signed(claim), publicKey, signature);
}

function signed({ nonce, host, csr, certificate }: RenewalClaim): Uint8Array {
  const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
  return lengthPrefixed([label, nonce, host, digest(csr), digest(certificate)]);
}

const label = "selvedge grace renewal v1";
