import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { SelvedgeError } from "@selvedge/protocol";
import {
  buildIntermediate,
  buildRoot,
  buildServerCertificate,
  generateP256,
  type Issuer,
  sinceEpochMs,
} from "./certificate-builder.ts";
import { lifetimesMs } from "./certificate-lifetimes.ts";
import { keyDigestOf } from "./certificate-request.ts";
import type { KeyFolder } from "./key-folder.ts";

/** Where a fleet's certificates are, and what they are to say. */
export interface AuthorityPlace {
  readonly folder: KeyFolder;
  readonly trustDomain: string;
  readonly hosts: readonly string[];
}

/** What lies in an authority's folder, whole and belonging together. */
export interface AuthorityState {
  /** What issuing certificates are under; join tokens pin it. */
  readonly root: X509Certificate;
  /** Roots before it that devices still trust. */
  readonly previousRoots: readonly X509Certificate[];
  /** Roots that nobody trusts any more, and whose issuing certificates still count. */
  readonly retiredRoots: readonly X509Certificate[];
  /** A root that devices learn of, and nothing is under yet. */
  readonly stagedRoot: X509Certificate | undefined;
  readonly issuer: Issuer;
  /** Certificates that sign or have signed leaves, the current one first. */
  readonly issuers: readonly X509Certificate[];
  /** PEM: private key, and chain with the ways to older roots. */
  readonly server: { readonly key: string; readonly chain: string };
  /** From the root to older ones, for devices that know no newer. */
  readonly bridges: readonly X509Certificate[];
}

/**
 * Reads the folder, makes what is missing, and renews what is past half of its
 * life. Each change of who is trusted is one file that is replaced whole, so a
 * crash anywhere leaves a folder from which this goes on.
 *
 * @throws SelvedgeError `corrupt` when files do not belong together, or
 *   `failed_precondition` when the folder is another fleet's.
 */
export async function openAuthorityState(place: AuthorityPlace, nowMs: number): Promise<AuthorityState> {
  const { folder } = place;
  const [root, ...previousRoots] = await openRoots(place, nowMs);
  const stagedRoot = await openStagedRoot(folder, [root, ...previousRoots]);
  const { issuer, issuers } = await openIntermediates(place, root, nowMs);
  const retired = await readBundle(folder, "retired-roots.crt");
  const retiredRoots = retired.filter((one) => issuers.some((issuer) => issuer.verify(one.publicKey)));
  const bridges = bridgesFrom(root, await readBundle(folder, "bridges.crt"), nowMs);
  const server = await openServer(place, issuer, bridges, nowMs);
  return { root, previousRoots, retiredRoots, stagedRoot, issuer, issuers, server, bridges };
}

export async function readBundle(folder: KeyFolder, name: string): Promise<X509Certificate[]> {
  const pem = (await folder.read(name)) ?? "";
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw corrupt(folder, `${name} does not hold certificates`, `restore ${name} from a backup`, cause);
  }
}

export function toBundle(certificates: readonly X509Certificate[]): string {
  return certificates.map(String).join("");
}

/** The key is stored before it is used for anything, so that a crash never orphans a certificate. */
export async function openKey(
  folder: KeyFolder,
  name: string,
  generate: () => KeyObject,
): Promise<KeyObject> {
  const pem = await folder.read(name);
  if (pem !== undefined) return readKey(folder, name, pem);
  const key = generate();
  await folder.write(name, exportPem(key));
  return key;
}

/** A new key beside those there are, in a file that its public half names. */
export async function addKey(folder: KeyFolder, role: KeyRole): Promise<KeyObject> {
  const key = generateP256();
  await folder.write(keyFiles(role, createPublicKey(key))[0], exportPem(key));
  return key;
}

/** @throws SelvedgeError `corrupt` when the key of this certificate is not in the folder. */
export async function keyOf(
  folder: KeyFolder,
  role: KeyRole,
  certificate: X509Certificate,
): Promise<KeyObject> {
  const key = await findKey(folder, role, certificate);
  if (key !== undefined) return key;
  const [, first] = keyFiles(role, certificate.publicKey);
  const message =
    (await folder.read(first)) === undefined
      ? `${role}.crt is there, and ${first} is missing`
      : `${role}.crt and ${first} do not belong together`;
  throw corrupt(folder, message, `restore ${role}.crt and its key from one backup`);
}

export async function removeKey(
  folder: KeyFolder,
  role: KeyRole,
  certificate: X509Certificate,
): Promise<void> {
  for (const name of keyFiles(role, certificate.publicKey)) {
    const pem = await folder.read(name);
    if (pem !== undefined && certificate.checkPrivateKey(readKey(folder, name, pem)))
      await folder.remove(name);
  }
}

export type KeyRole = "root" | "intermediate";

async function openRoots(
  { folder, trustDomain }: AuthorityPlace,
  nowMs: number,
): Promise<[X509Certificate, ...X509Certificate[]]> {
  const [root, ...previous] = await readBundle(folder, "root.crt");
  if (root === undefined) return [await makeRoot(folder, trustDomain, nowMs)];
  // A new key here would cut off every device that trusts the old one.
  await keyOf(folder, "root", root);
  if (root.subjectAltName !== `URI:spiffe://${trustDomain}`) {
    throw new SelvedgeError("failed_precondition", `these keys are not those of the fleet "${trustDomain}"`, {
      at: folder.path,
      fix: `start with the trust domain in ${root.subjectAltName ?? "its root certificate"}, or with an empty folder`,
    });
  }
  return [root, ...previous];
}

async function makeRoot(folder: KeyFolder, trustDomain: string, nowMs: number): Promise<X509Certificate> {
  if ((await folder.read("root.crt")) !== undefined) {
    throw corrupt(folder, "root.crt does not hold certificates", "restore root.crt from a backup");
  }
  const privateKey = await openKey(folder, "root.key", generateP256);
  const root = await buildRoot(privateKey, trustDomain, lasting(lifetimesMs.root, nowMs));
  await folder.write("root.crt", root.toString());
  return root;
}

/** One that became the root in the meantime is staged no more. */
async function openStagedRoot(
  folder: KeyFolder,
  roots: readonly X509Certificate[],
): Promise<X509Certificate | undefined> {
  const [staged] = await readBundle(folder, "next-root.crt");
  if (staged === undefined || !roots.some((root) => root.fingerprint256 === staged.fingerprint256))
    return staged;
  await folder.remove("next-root.crt");
  return undefined;
}

async function openIntermediates(
  { folder, trustDomain }: AuthorityPlace,
  root: X509Certificate,
  nowMs: number,
): Promise<Pick<AuthorityState, "issuer" | "issuers">> {
  const known = await readBundle(folder, "intermediates.crt");
  const [current] = known;
  const isUnderRoot = current?.checkIssued(root) && current.verify(root.publicKey);
  const key = current && isUnderRoot ? await findKey(folder, "intermediate", current) : undefined;
  if (current !== undefined && key !== undefined && !isDue(current, root, lifetimesMs.intermediate, nowMs)) {
    return { issuer: { privateKey: key, certificate: current }, issuers: known };
  }
  // The first one's file has no digest in its name; a later root gets a key of its own below it.
  const privateKey =
    key ??
    (current === undefined
      ? await openKey(folder, "intermediate.key", generateP256)
      : await addKey(folder, "intermediate"));
  const signer = { privateKey: await keyOf(folder, "root", root), certificate: root };
  const validity = lasting(lifetimesMs.intermediate, nowMs);
  const certificate = await buildIntermediate(signer, createPublicKey(privateKey), trustDomain, validity);
  const issuers = [certificate, ...known.filter((one) => one.validToDate.getTime() > nowMs)];
  await folder.write("intermediates.crt", toBundle(issuers));
  if (current !== undefined && key === undefined) await removeKey(folder, "intermediate", current);
  return { issuer: { privateKey, certificate }, issuers };
}

async function openServer(
  { folder, hosts }: AuthorityPlace,
  issuer: Issuer,
  bridges: readonly X509Certificate[],
  nowMs: number,
): Promise<AuthorityState["server"]> {
  const privateKey = await openKey(folder, "server.key", generateP256);
  const [leaf] = await readBundle(folder, "server.crt");
  const validity = lasting(lifetimesMs.server, nowMs);
  const renewed = await buildServerCertificate(issuer, createPublicKey(privateKey), hosts, validity);
  const isUsable =
    leaf?.checkPrivateKey(privateKey) &&
    leaf.checkIssued(issuer.certificate) &&
    leaf.verify(issuer.certificate.publicKey) &&
    // The names are compared as the library writes them, so that none is missed.
    leaf.subjectAltName === renewed.subjectAltName &&
    !isDue(leaf, issuer.certificate, lifetimesMs.server, nowMs);
  const kept = leaf !== undefined && isUsable ? leaf : renewed;
  const chain = toBundle([kept, issuer.certificate, ...bridges]);
  if (chain !== (await folder.read("server.crt"))) await folder.write("server.crt", chain);
  return { key: exportPem(privateKey), chain };
}

/** From the root back to the oldest that a chain of unexpired bridges leads to. */
function bridgesFrom(
  root: X509Certificate,
  known: readonly X509Certificate[],
  nowMs: number,
): X509Certificate[] {
  const left = known.filter((one) => one.validToDate.getTime() > nowMs);
  const path: X509Certificate[] = [];
  for (
    let next = left.find((one) => one.publicKey.equals(root.publicKey));
    next !== undefined && path.length < bridgesMax;
  ) {
    path.push(next);
    const from = next;
    next = left.find((one) => !path.includes(one) && from.verify(one.publicKey));
  }
  return path;
}

async function findKey(
  folder: KeyFolder,
  role: KeyRole,
  certificate: X509Certificate,
): Promise<KeyObject | undefined> {
  for (const name of keyFiles(role, certificate.publicKey)) {
    const pem = await folder.read(name);
    const key = pem === undefined ? undefined : readKey(folder, name, pem);
    if (key !== undefined && certificate.checkPrivateKey(key)) return key;
  }
  return undefined;
}

/** Where the key may be: added later, or by the first start. */
function keyFiles(role: KeyRole, publicKey: KeyObject): [string, string] {
  return [`${role}-${keyDigestOf(publicKey).slice(0, 16)}.key`, `${role}.key`];
}

function readKey(folder: KeyFolder, name: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw corrupt(folder, `${name} is not a private key`, `restore ${name} from a backup`, cause);
  }
}

function lasting(lifetimeMs: number, nowMs: number): { notBeforeMs: number; notAfterMs: number } {
  return { notBeforeMs: sinceEpochMs, notAfterMs: nowMs + lifetimeMs };
}

/** Past half of its life, and another would last longer. */
function isDue(
  certificate: X509Certificate,
  issuer: X509Certificate,
  lifetimeMs: number,
  nowMs: number,
): boolean {
  const end = certificate.validToDate.getTime();
  const longest = Math.min(nowMs + lifetimeMs, issuer.validToDate.getTime());
  return nowMs > end - lifetimeMs / 2 && longest > end;
}

function exportPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function corrupt(folder: KeyFolder, message: string, fix: string, cause?: unknown): SelvedgeError {
  return new SelvedgeError("corrupt", message, { at: folder.path, fix, cause });
}

const bridgesMax = 4;
