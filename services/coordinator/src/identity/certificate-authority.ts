import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from "node:crypto";
import { SelvedgeError } from "@selvedge/protocol";
import {
  buildDeviceCertificate,
  buildIntermediate,
  buildRoot,
  buildServerCertificate,
  clockSkewMs,
  generateP256,
  type Issuer,
} from "./certificate-builder.ts";
import type { KeyFolder } from "./key-folder.ts";

export interface AuthorityOptions {
  readonly folder: KeyFolder;
  /** SPIFFE trust domain: lower-case letters, digits, `.`, `-`, `_`. */
  readonly trustDomain: string;
  /** DNS names and IP addresses the coordinator answers to; at least one. */
  readonly hosts: readonly string[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

export interface DeviceCertificate {
  /** DER, leaf first, root excluded. */
  readonly chain: readonly Uint8Array[];
  readonly certificate: X509Certificate;
}

/** All keys of one fleet, and the certificates that make them known. */
export interface Authority {
  readonly trustDomain: string;
  readonly hosts: readonly string[];
  readonly root: X509Certificate;
  /** SHA-256 of the root's SubjectPublicKeyInfo, 32 bytes: what join tokens pin. */
  readonly rootPin: Uint8Array;
  /** Certificates that sign or have signed leaves, the current one first. */
  readonly issuers: readonly X509Certificate[];
  /** PEM for the TLS port: private key, and chain without the root. */
  readonly server: { readonly key: string; readonly chain: string };
  /** X25519 private key: payloads sealed to the coordinator. */
  readonly sealingKey: KeyObject;
  /**
   * A client certificate for one key, valid seven days, named
   * `spiffe://<trust domain>/device/<device id>`.
   *
   * @param publicKey - P-256, as `readCertificateRequest` returns it.
   */
  issueDeviceCertificate(publicKey: KeyObject, deviceId: string, nowMs: number): Promise<DeviceCertificate>;
}

/**
 * Loads the keys of a fleet, and makes what is not there yet: root, issuing
 * intermediate, server certificate, sealing key. Intermediate
 * and server certificate are renewed when half of their life is over, the
 * server's also when its hosts changed. A crash in between leaves a folder
 * from which the same call goes on.
 *
 * @throws SelvedgeError `invalid_argument`, `corrupt` when files do not belong
 *   together, or `failed_precondition` when the folder is another fleet's.
 */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  checkOptions(options);
  const { folder, trustDomain, hosts } = options;
  const root = await openRoot(options);
  const { issuer, issuers } = await openIntermediates(options, root);
  const server = await openServer(options, issuer);
  const sealingKey = await openKey(folder, "sealing.key", () => generateKeyPairSync("x25519").privateKey);
  const spki = root.certificate.publicKey.export({ type: "spki", format: "der" });
  return {
    trustDomain,
    hosts,
    root: root.certificate,
    rootPin: new Uint8Array(createHash("sha256").update(spki).digest()),
    issuers,
    server,
    sealingKey,
    async issueDeviceCertificate(publicKey, deviceId, now) {
      const uri = deviceUri(trustDomain, deviceId);
      const validity = { fromMs: now, lifetimeMs: lifetimesMs.device };
      const certificate = await buildDeviceCertificate(issuer, publicKey, uri, validity);
      return { certificate, chain: [certificate, issuer.certificate].map((one) => new Uint8Array(one.raw)) };
    },
  };
}

/** The SPIFFE id of a device. */
export function deviceUri(trustDomain: string, deviceId: string): string {
  return `spiffe://${trustDomain}/device/${deviceId}`;
}

async function openRoot({ folder, trustDomain, nowMs }: AuthorityOptions): Promise<Issuer> {
  const pem = await folder.read("root.crt");
  if (pem !== undefined && (await folder.read("root.key")) === undefined) {
    // A new key here would cut off every device that trusts the old one.
    throw corrupt(folder, "root.crt is there, and root.key is missing", "restore root.key from a backup");
  }
  const privateKey = await openKey(folder, "root.key", generateP256);
  if (pem === undefined) {
    const certificate = await buildRoot(privateKey, trustDomain, {
      fromMs: nowMs,
      lifetimeMs: lifetimesMs.root,
    });
    await folder.write("root.crt", certificate.toString());
    return { privateKey, certificate };
  }
  const [certificate] = readCertificates(folder, "root.crt", pem);
  if (certificate === undefined || !certificate.checkPrivateKey(privateKey)) {
    throw corrupt(folder, "root.crt and root.key do not belong together", "restore both from one backup");
  }
  if (certificate.subjectAltName !== `URI:spiffe://${trustDomain}`) {
    throw new SelvedgeError("failed_precondition", `these keys are not those of the fleet "${trustDomain}"`, {
      at: folder.path,
      fix: `start with the trust domain in ${certificate.subjectAltName ?? "its root certificate"}, or with an empty folder`,
    });
  }
  return { privateKey, certificate };
}

interface Intermediates {
  readonly issuer: Issuer;
  readonly issuers: readonly X509Certificate[];
}

async function openIntermediates(options: AuthorityOptions, root: Issuer): Promise<Intermediates> {
  const { folder, trustDomain, nowMs } = options;
  const privateKey = await openKey(folder, "intermediate.key", generateP256);
  const pem = (await folder.read("intermediates.crt")) ?? "";
  const known = readCertificates(folder, "intermediates.crt", pem).filter(
    (one) => one.checkIssued(root.certificate) && one.verify(root.certificate.publicKey),
  );
  const [current] = known;
  if (current?.checkPrivateKey(privateKey) && !isPastHalfLife(current, nowMs)) {
    return { issuer: { privateKey, certificate: current }, issuers: known };
  }
  const validity = { fromMs: nowMs, lifetimeMs: lifetimesMs.intermediate };
  const certificate = await buildIntermediate(root, createPublicKey(privateKey), trustDomain, validity);
  const issuers = [certificate, ...known.filter((one) => one.validToDate.getTime() > nowMs)];
  await folder.write("intermediates.crt", issuers.map(String).join(""));
  return { issuer: { privateKey, certificate }, issuers };
}

async function openServer(options: AuthorityOptions, issuer: Issuer): Promise<Authority["server"]> {
  const { folder, hosts, nowMs } = options;
  const privateKey = await openKey(folder, "server.key", generateP256);
  const key = exportPem(privateKey);
  const pem = (await folder.read("server.crt")) ?? "";
  const [leaf] = readCertificates(folder, "server.crt", pem);
  const isUsable =
    leaf?.checkPrivateKey(privateKey) &&
    leaf.checkIssued(issuer.certificate) &&
    leaf.verify(issuer.certificate.publicKey) &&
    !isPastHalfLife(leaf, nowMs);
  const validity = { fromMs: nowMs, lifetimeMs: lifetimesMs.server };
  const renewed = await buildServerCertificate(issuer, createPublicKey(privateKey), hosts, validity);
  // The names are compared as the library writes them, so that none is missed.
  if (isUsable && leaf?.subjectAltName === renewed.subjectAltName) return { key, chain: pem };
  const chain = `${renewed}${issuer.certificate}`;
  await folder.write("server.crt", chain);
  return { key, chain };
}

/** The key is stored before it is used for anything, so that a crash never orphans a certificate. */
async function openKey(folder: KeyFolder, name: string, generate: () => KeyObject): Promise<KeyObject> {
  const pem = await folder.read(name);
  if (pem === undefined) {
    const key = generate();
    await folder.write(name, exportPem(key));
    return key;
  }
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw corrupt(folder, `${name} is not a private key`, `restore ${name} from a backup`, cause);
  }
}

function readCertificates(folder: KeyFolder, name: string, pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw corrupt(folder, `${name} does not hold certificates`, `restore ${name} from a backup`, cause);
  }
}

function isPastHalfLife(certificate: X509Certificate, nowMs: number): boolean {
  const from = certificate.validFromDate.getTime() + clockSkewMs;
  return nowMs > from + (certificate.validToDate.getTime() - from) / 2;
}

function exportPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function checkOptions({ trustDomain, hosts }: AuthorityOptions): void {
  if (!trustDomainPattern.test(trustDomain)) {
    throw new SelvedgeError("invalid_argument", `not a trust domain: "${trustDomain.slice(0, 80)}"`, {
      at: "trust domain",
      fix: "use lower-case letters, digits, dots, hyphens and underscores, at most 255",
    });
  }
  const wrong = hosts.find((host) => !hostPattern.test(host));
  if (wrong !== undefined || hosts.length === 0) {
    throw new SelvedgeError(
      "invalid_argument",
      `not a host name or address: "${wrong?.slice(0, 80) ?? ""}"`,
      {
        at: "hosts",
        fix: "list the names and addresses devices use, in lower case and without a port",
      },
    );
  }
}

function corrupt(folder: KeyFolder, message: string, fix: string, cause?: unknown): SelvedgeError {
  return new SelvedgeError("corrupt", message, { at: folder.path, fix, cause });
}

const dayMs = 86_400_000;
const lifetimesMs = {
  root: 7300 * dayMs,
  intermediate: 1825 * dayMs,
  server: 365 * dayMs,
  device: 7 * dayMs,
};
const trustDomainPattern = /^[a-z0-9._-]{1,255}$/;
const hostPattern = /^[a-z0-9.:_-]{1,253}$/;
