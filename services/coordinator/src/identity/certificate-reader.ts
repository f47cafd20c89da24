import { createHash, X509Certificate } from "node:crypto";
import { type Authority, deviceUri } from "./certificate-authority.ts";

/** What one of our issuers vouched for in a device's certificate; whether it holds now is another question. */
export interface VouchedDevice {
  readonly deviceId: string;
  readonly validFromMs: number;
  readonly validToMs: number;
}

export interface CertificateReader {
  /**
   * @param leaf - DER.
   * @returns undefined when it cannot be read, or is no device's certificate of ours.
   */
  read(leaf: Uint8Array): VouchedDevice | undefined;
}

/**
 * Reads device certificates, and remembers those that were found good: to
 * parse one and verify its signature takes half a millisecond, and each call of
 * ten thousand devices asks. What was refused is not remembered, so that
 * strangers cannot fill the memory; nor is anything once the issuers change.
 */
export function createCertificateReader(
  authority: Pick<Authority, "trustDomain" | "issuers">,
): CertificateReader {
  const known = new Map<string, VouchedDevice>();
  let { issuers } = authority;
  return {
    read(leaf) {
      if (issuers !== authority.issuers) known.clear();
      issuers = authority.issuers;
      const digest = createHash("sha256").update(leaf).digest("base64");
      const before = known.get(digest);
      if (before !== undefined) return before;
      const device = readDevice(leaf, authority);
      if (device !== undefined) remember(known, digest, device);
      return device;
    },
  };
}

function remember(known: Map<string, VouchedDevice>, digest: string, device: VouchedDevice): void {
  const [oldest] = known.keys();
  if (known.size >= knownMax && oldest !== undefined) known.delete(oldest);
  known.set(digest, device);
}

function readDevice(
  leaf: Uint8Array,
  authority: Pick<Authority, "trustDomain" | "issuers">,
): VouchedDevice | undefined {
  const certificate = parse(leaf);
  const deviceId = certificate && deviceIn(certificate, authority);
  if (certificate === undefined || deviceId === undefined) return undefined;
  const { validFromDate, validToDate } = certificate;
  return { deviceId, validFromMs: validFromDate.getTime(), validToMs: validToDate.getTime() };
}

function parse(leaf: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(leaf);
  } catch {
    // What cannot be read vouches for nobody.
    return undefined;
  }
}

function deviceIn(
  certificate: X509Certificate,
  { issuers, trustDomain }: Pick<Authority, "trustDomain" | "issuers">,
): string | undefined {
  const isOurs = issuers.some(
    (issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey),
  );
  const isClient = !certificate.ca && certificate.keyUsage?.includes(clientAuth);
  if (!isOurs || !isClient) return undefined;
  const start = `URI:${deviceUri(trustDomain, "")}`;
  const names = certificate.subjectAltName ?? "";
  const deviceId = names.startsWith(start) ? names.slice(start.length) : "";
  return uuidPattern.test(deviceId) ? deviceId : undefined;
}

/** About 300 bytes each. */
const knownMax = 40_000;
/** RFC 5280 section 4.2.1.12. */
const clientAuth = "1.3.6.1.5.5.7.3.2";
const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
