import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { keyIdOf, publicKeyFromRaw, rawPublicKey, SelvedgeError } from "@selvedge/protocol";
import { z } from "zod";
import { datesOf, discardStaged, loadCredential } from "./device-credential.ts";
import type { DeviceFolder, IdentityFile } from "./device-folder.ts";
import { loadTrust } from "./device-trust.ts";

/** Who this device is, and whom it believes. */
export interface DeviceIdentity {
  /** UUID. */
  readonly deviceId: string;
  /** `https://host:port` */
  readonly coordinatorUrl: string;
  readonly trustDomain: string;
  readonly enrolledAtMs: number;
  /** PEM: private key, and certificate chain without the root. */
  readonly key: string;
  readonly chain: string;
  /** PEM: the roots a coordinator must be under. */
  readonly trust: string;
  /** When the certificate runs out, milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** TUF root metadata, JSON: what releases are verified against. */
  readonly releaseRoot: string;
  /** X25519: payloads are sealed to it. */
  readonly sealingKey: KeyObject;
  /** Ed25519: operators whose plans this fleet runs. */
  readonly operatorKeys: readonly KeyObject[];
}

/**
 * @returns undefined when this device has not finished enrolling: identity.json is written last.
 * @throws SelvedgeError `corrupt` when files are missing, unreadable or do not belong together.
 */
export async function loadDeviceIdentity(folder: DeviceFolder): Promise<DeviceIdentity | undefined> {
  const text = await folder.read("identity.json");
  if (text === undefined) return undefined;
  const record = parse(folder, "identity.json", () => recordSchema.parse(JSON.parse(text)));
  const credential = await loadCredential(folder);
  const sealing = await readRequired(folder, "sealing.pub");
  const operators = await readRequired(folder, "operators.json");
  return {
    deviceId: record.deviceId,
    coordinatorUrl: record.coordinatorUrl,
    trustDomain: record.trustDomain,
    enrolledAtMs: Date.parse(record.enrolledAt),
    ...credential,
    trust: await loadTrust(folder),
    expiresAtMs: datesOf(credential).expiresAtMs,
    releaseRoot: await readRequired(folder, "release-root.json"),
    sealingKey: parse(folder, "sealing.pub", () => createPublicKey(sealing)),
    operatorKeys: parse(folder, "operators.json", () => parseOperators(operators)),
  };
}

/**
 * A crash in between leaves a device that has not finished enrolling; its key
 * is there, so that the same command ends in the same identity.
 */
export async function storeDeviceIdentity(folder: DeviceFolder, identity: DeviceIdentity): Promise<void> {
  const { deviceId, coordinatorUrl, trustDomain, enrolledAtMs } = identity;
  const enrolledAt = new Date(enrolledAtMs).toISOString();
  const operators = identity.operatorKeys.map((key) => ({
    keyId: keyIdOf(key),
    publicKey: Buffer.from(rawPublicKey(key)).toString("base64"),
  }));
  await discardStaged(folder);
  await folder.write("device.crt", identity.chain);
  await folder.write("trust.pem", identity.trust);
  await folder.write("release-root.json", identity.releaseRoot);
  await folder.write("sealing.pub", identity.sealingKey.export({ type: "spki", format: "pem" }).toString());
  await folder.write("operators.json", toJson(operators));
  await folder.write("identity.json", toJson({ deviceId, coordinatorUrl, trustDomain, enrolledAt }));
}

/** The device's P-256 key: made once, stored before anybody sees it, and kept ever after. */
export async function openDeviceKey(folder: DeviceFolder): Promise<KeyObject> {
  const pem = await folder.read("device.key");
  if (pem !== undefined) return parse(folder, "device.key", () => createPrivateKey(pem));
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await folder.write("device.key", exportKey(privateKey));
  return privateKey;
}

export function exportKey(privateKey: KeyObject): string {
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

const recordSchema = z.object({
  deviceId: z.uuid(),
  coordinatorUrl: z.url(),
  trustDomain: z.string().min(1),
  enrolledAt: z.iso.datetime(),
});

const operatorsSchema = z.array(z.object({ keyId: z.string(), publicKey: z.base64() }));

function parseOperators(text: string): KeyObject[] {
  return operatorsSchema
    .parse(JSON.parse(text))
    .map(({ publicKey }) => publicKeyFromRaw(Buffer.from(publicKey, "base64")));
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function readRequired(folder: DeviceFolder, name: IdentityFile): Promise<string> {
  const text = await folder.read(name);
  if (text === undefined) throw corrupt(folder, name, "it is missing");
  return text;
}

function parse<Value>(folder: DeviceFolder, name: IdentityFile, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    throw corrupt(folder, name, "it cannot be read", cause);
  }
}

function corrupt(folder: DeviceFolder, name: IdentityFile, why: string, cause?: unknown): SelvedgeError {
  return new SelvedgeError("corrupt", `the device's identity is damaged: ${name}: ${why}`, {
    at: folder.path,
    fix: "restore the folder, or remove identity.json and enrol again: selvedge join",
    cause,
  });
}
