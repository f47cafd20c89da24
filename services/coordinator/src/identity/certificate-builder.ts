// The X.509 library's container needs this polyfill before it is loaded.
import "reflect-metadata";
import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** Who signs: a private key and the certificate that vouches for it. */
export interface Issuer {
  readonly privateKey: KeyObject;
  readonly certificate: X509Certificate;
}

/** Milliseconds since 1970. No certificate outlives the one that vouches for it. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * What vouches for the coordinator is valid from 1970 on: that is where the
 * clock of a device without a battery starts, and TLS libraries take no other
 * clock. Devices hold it against their clock floor themselves (SPEC EN21).
 */
export const sinceEpochMs = 0;

export function generateP256(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/** A self-signed root for one trust domain, which its URI name carries (SPIFFE X.509-SVID section 4). */
export function buildRoot(
  privateKey: KeyObject,
  trustDomain: string,
  validity: Validity,
): Promise<X509Certificate> {
  return build({
    subject: `CN=${trustDomain} root`,
    publicKey: createPublicKey(privateKey),
    signer: { privateKey },
    validity,
    extensions: [
      ...authorityExtensions(1),
      new SubjectAlternativeNameExtension([{ type: "url", value: `spiffe://${trustDomain}` }]),
    ],
  });
}

/** An issuing certificate under the root; its name is new each time, so that two can be told apart. */
export function buildIntermediate(
  root: Issuer,
  publicKey: KeyObject,
  trustDomain: string,
  validity: Validity,
): Promise<X509Certificate> {
  return build({
    subject: `CN=${trustDomain} issuing ${randomBytes(4).toString("hex")}`,
    publicKey,
    signer: root,
    validity,
    extensions: authorityExtensions(0),
  });
}

/**
 * A root's successor, vouched for by that root (RFC 4210, section 4.4: "new with
 * old"): who knows only the old root finds a path to what is under the new one.
 */
export function buildBridge(
  old: Issuer,
  successor: X509Certificate,
  validity: Validity,
): Promise<X509Certificate> {
  return build({
    // The same name as the issuer's: such a certificate does not count in a path's length (RFC 5280, 6.1.4).
    subject: successor.subject,
    publicKey: successor.publicKey,
    signer: old,
    validity,
    extensions: authorityExtensions(1),
  });
}

/** @param hosts - DNS names and IP addresses the coordinator answers to. */
export function buildServerCertificate(
  issuer: Issuer,
  publicKey: KeyObject,
  hosts: readonly string[],
  validity: Validity,
): Promise<X509Certificate> {
  const names = hosts.map((value) => ({
    type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const),
    value,
  }));
  return build({
    subject: "CN=selvedge coordinator",
    publicKey,
    signer: issuer,
    validity,
    extensions: [...leafExtensions(ExtendedKeyUsage.serverAuth), new SubjectAlternativeNameExtension(names)],
  });
}

/** @param uri - the device's SPIFFE id. */
export function buildDeviceCertificate(
  issuer: Issuer,
  publicKey: KeyObject,
  uri: string,
  validity: Validity,
): Promise<X509Certificate> {
  return build({
    subject: "CN=selvedge device",
    publicKey,
    signer: issuer,
    validity,
    extensions: [
      ...leafExtensions(ExtendedKeyUsage.clientAuth),
      new SubjectAlternativeNameExtension([{ type: "url", value: uri }]),
    ],
  });
}

interface Content {
  readonly subject: string;
  readonly publicKey: KeyObject;
  /** Without a certificate: self-signed. */
  readonly signer: { readonly privateKey: KeyObject; readonly certificate?: X509Certificate };
  readonly validity: Validity;
  readonly extensions: readonly Extension[];
}

async function build(content: Content): Promise<X509Certificate> {
  const { signer, validity } = content;
  const publicKey = spkiOf(content.publicKey);
  const issuerKey = signer.certificate === undefined ? publicKey : spkiOf(signer.certificate.publicKey);
  const built = await X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: content.subject,
    issuer: signer.certificate === undefined ? content.subject : signer.certificate.subject,
    notBefore: new Date(validity.notBeforeMs),
    notAfter: new Date(endOf(validity, signer.certificate)),
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    signingKey: signer.privateKey.toCryptoKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]),
    publicKey,
    extensions: [
      ...content.extensions,
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(issuerKey),
    ],
  });
  return new X509Certificate(Buffer.from(built.rawData));
}

function endOf({ notAfterMs }: Validity, issuer: X509Certificate | undefined): number {
  return issuer === undefined ? notAfterMs : Math.min(notAfterMs, issuer.validToDate.getTime());
}

function authorityExtensions(pathLength: number): Extension[] {
  return [
    new BasicConstraintsExtension(true, pathLength, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  ];
}

function leafExtensions(usage: ExtendedKeyUsage): Extension[] {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([usage]),
  ];
}

function spkiOf(publicKey: KeyObject): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(publicKey.export({ type: "spki", format: "der" }));
}

/** 127 random bits: positive and never shortened in DER (RFC 5280 section 4.1.2.2). */
function randomSerial(): string {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial.toString("hex");
}
