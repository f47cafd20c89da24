import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { SelvedgeError } from "@selvedge/protocol";
import type { DeviceFolder } from "./device-folder.ts";

/** What a device shows of itself in a TLS handshake. PEM. */
export interface DeviceCredential {
  readonly key: string;
  /** Leaf first, root excluded. */
  readonly chain: string;
}

/** The certificate a device shows, as far as it matters to itself. */
export interface CertificateDates {
  /** Unix milliseconds. */
  readonly fromMs: number;
  readonly expiresAtMs: number;
}

export function datesOf({ chain }: Pick<DeviceCredential, "chain">): CertificateDates {
  const { validFromDate, validToDate } = new X509Certificate(chain);
  return { fromMs: validFromDate.getTime(), expiresAtMs: validToDate.getTime() };
}

/**
 * Reads the credential in use. A swap that was killed between its two renames
 * is finished first; a pair that is damaged is replaced by the one before it.
 *
 * @throws SelvedgeError `corrupt` naming the file.
 */
export async function loadCredential(folder: DeviceFolder): Promise<DeviceCredential> {
  const current = await readPair(folder, "device.key", "device.crt");
  if (typeof current !== "string") return current;
  const halfSwapped = await readPair(folder, "device.key", "device.crt.new");
  if (typeof halfSwapped !== "string") {
    await folder.replace("device.crt", "device.crt.new");
    return halfSwapped;
  }
  const previous = await readPair(folder, "device.key.old", "device.crt.old");
  if (typeof previous === "string") throw damaged(folder, current);
  await writePair(folder, previous);
  return previous;
}

/** The key of the next certificate: made once, and stored before anybody sees it. */
export async function openNextKey(folder: DeviceFolder): Promise<KeyObject> {
  const pem = await folder.read("device.key.new");
  const known = pem === undefined ? undefined : privateKeyOf(pem);
  if (known !== undefined) return known;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await folder.write("device.key.new", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  return privateKey;
}

/** Keeps a certificate for the next key, to be tried. */
export async function stageChain(folder: DeviceFolder, chain: string): Promise<void> {
  await folder.write("device.crt.new", chain);
}

/** @returns undefined when nothing whole is there to be tried. */
export async function stagedCredential(folder: DeviceFolder): Promise<DeviceCredential | undefined> {
  const staged = await readPair(folder, "device.key.new", "device.crt.new");
  return typeof staged === "string" ? undefined : staged;
}

/** Puts what was tried and works in the place of what was in use, which is kept beside it. */
export async function adoptStaged(folder: DeviceFolder): Promise<DeviceCredential> {
  const { key, chain } = await loadCredential(folder);
  await folder.write("device.key.old", key);
  await folder.write("device.crt.old", chain);
  await folder.replace("device.key", "device.key.new");
  return loadCredential(folder);
}

/** Lets go of what was to be tried. */
export async function discardStaged(folder: DeviceFolder): Promise<void> {
  await folder.remove("device.crt.new");
  await folder.remove("device.key.new");
}

/** In this order an interruption leaves a pair that does not match, which is replaced again. */
async function writePair(folder: DeviceFolder, { key, chain }: DeviceCredential): Promise<void> {
  await folder.write("device.crt", chain);
  await folder.write("device.key", key);
}

type KeyName = "device.key" | "device.key.new" | "device.key.old";
type ChainName = "device.crt" | "device.crt.new" | "device.crt.old";

/** @returns what is wrong, in words, when the two are not a pair. */
async function readPair(
  folder: DeviceFolder,
  keyName: KeyName,
  chainName: ChainName,
): Promise<DeviceCredential | string> {
  const key = await folder.read(keyName);
  const chain = await folder.read(chainName);
  if (key === undefined) return `${keyName}: it is missing`;
  if (chain === undefined) return `${chainName}: it is missing`;
  const privateKey = privateKeyOf(key);
  if (privateKey === undefined) return `${keyName}: it cannot be read`;
  const certificate = certificateOf(chain);
  if (certificate === undefined) return `${chainName}: it cannot be read`;
  if (!certificate.checkPrivateKey(privateKey)) return `${chainName}: it is not a certificate of ${keyName}`;
  return { key, chain };
}

function privateKeyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // Torn or damaged: the caller says which file.
    return undefined;
  }
}

function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // As above.
    return undefined;
  }
}

function damaged(folder: DeviceFolder, why: string): SelvedgeError {
  return new SelvedgeError("corrupt", `the device's identity is damaged: ${why}`, {
    at: folder.path,
    fix: "restore the folder, or remove identity.json and enrol again: selvedge join",
  });
}
