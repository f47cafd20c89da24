import { type KeyObject, X509Certificate } from "node:crypto";
import { SelvedgeError } from "@selvedge/protocol";

export interface ChainExpectation {
  readonly roots: readonly X509Certificate[];
  readonly publicKey: KeyObject;
  /** The device's SPIFFE id. */
  readonly uri: string;
  /** For messages. */
  readonly url: string;
}

/**
 * A certificate that a coordinator issued to this device: for its key and id,
 * and under a root that it believes.
 *
 * @param chain - DER, leaf first; what follows a certificate under such a root is for others.
 * @throws SelvedgeError `corrupt`.
 */
export function checkDeviceChain(
  chain: readonly Uint8Array[],
  expected: ChainExpectation,
): [X509Certificate, ...X509Certificate[]] {
  const [leaf, ...rest] = readCertificates("chain", chain, expected.url);
  const isSound =
    leaf !== undefined &&
    isUnder(expected.roots, [leaf, ...rest]) &&
    leaf.publicKey.equals(expected.publicKey) &&
    leaf.subjectAltName === `URI:${expected.uri}`;
  if (!isSound) throw unusableReply("chain", expected.url);
  return [leaf, ...rest];
}

/** @throws SelvedgeError `corrupt` naming the field, also when there are none or too many. */
export function readCertificates(field: string, ders: readonly Uint8Array[], url: string): X509Certificate[] {
  if (ders.length === 0 || ders.length > certificatesMax) throw unusableReply(field, url);
  try {
    return ders.map((der) => new X509Certificate(der));
  } catch (cause) {
    throw unusableReply(field, url, cause);
  }
}

export function unusableReply(field: string, url: string, cause?: unknown): SelvedgeError {
  return new SelvedgeError("corrupt", `the coordinator's reply cannot be used: ${field} is wrong`, {
    at: url,
    fix: "this is a fault of the coordinator: tell its operator",
    cause,
  });
}

function isUnder(roots: readonly X509Certificate[], chain: readonly X509Certificate[]): boolean {
  for (const [index, certificate] of chain.entries()) {
    if (roots.some((root) => isIssuedBy(certificate, root))) return true;
    const next = chain[index + 1];
    if (next === undefined || !isIssuedBy(certificate, next)) return false;
  }
  return false;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

const certificatesMax = 8;
