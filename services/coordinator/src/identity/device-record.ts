import type { X509Certificate } from "node:crypto";
import { SelvedgeError } from "@selvedge/protocol";
import type { StoredRecord } from "@selvedge/storage";
import type { SessionMarks } from "./session-ratchet.ts";

/**
 * `pending`: enrolled, and to wait for an operator's approval. `quarantined`:
 * its identity was found in use twice. Both end with an approval; `revoked` never.
 */
export type StandingState = "active" | "pending" | "quarantined" | "revoked";

export type Standing = {
  readonly state: StandingState;
  /** In words; empty for an active device. */
  readonly reason: string;
  readonly sinceMs: number;
};

export type DeviceRecord = {
  readonly id: string;
  /** What its owner calls it; not an identity. */
  readonly name: string;
  /** Empty = none. */
  readonly group: string;
  readonly tags: readonly string[];
  /** The join token it first enrolled with. */
  readonly tokenId: string;
  /** See `keyDigestOf`. */
  readonly keyDigest: string;
  /** Its last change of key; null = it has the one that it enrolled with. */
  readonly renewed: { readonly previousKeyDigest: string; readonly atMs: number } | null;
  readonly enrolledAtMs: number;
  readonly certificateSerial: string;
  readonly certificateExpiresAtMs: number;
  /** Subject of the issuing certificate; empty in records of before it was kept. */
  readonly certificateIssuer: string;
  /** Pins of the roots it believes, as it said last. */
  readonly trustedPins: readonly string[];
  readonly standing: Standing;
  readonly marks: SessionMarks;
  readonly lastSeenAtMs: number | null;
  /** From its last birth message. */
  readonly softwareVersion: string;
  readonly architecture: string;
  readonly datasets: readonly string[];
};

/** What every new device begins with. */
export const newDevice: Pick<
  DeviceRecord,
  | "renewed"
  | "certificateIssuer"
  | "trustedPins"
  | "marks"
  | "lastSeenAtMs"
  | "softwareVersion"
  | "architecture"
  | "datasets"
> = {
  renewed: null,
  certificateIssuer: "",
  trustedPins: [],
  marks: { issued: 0, confirmed: null, offered: null },
  lastSeenAtMs: null,
  softwareVersion: "",
  architecture: "",
  datasets: [],
};

export function isBarred({ standing }: Pick<DeviceRecord, "standing">): boolean {
  return standing.state === "revoked" || standing.state === "quarantined";
}

/** What a device that is revoked or quarantined is told when it asks for a certificate. */
export function barredDevice({ id, standing }: DeviceRecord): SelvedgeError {
  return new SelvedgeError("permission_denied", `this device was ${standing.state}: ${id}`, {
    at: "device",
    fix:
      standing.state === "revoked"
        ? "to join as a new device, remove its folder and use a new token"
        : `stop its copy, then ask an operator to run: selvedge device approve ${id}`,
  });
}

/** What a device with a certificate of ours and no record is told. */
export function unknownDevice(at: string): SelvedgeError {
  return new SelvedgeError("unauthenticated", "this coordinator does not know the device", {
    at,
    fix: "join again with a new token: selvedge join",
  });
}

/** What a device's record says of its certificate. */
export function certificateFields(
  certificate: X509Certificate,
): Pick<DeviceRecord, "certificateSerial" | "certificateExpiresAtMs" | "certificateIssuer"> {
  return {
    certificateSerial: certificate.serialNumber,
    certificateExpiresAtMs: certificate.validToDate.getTime(),
    certificateIssuer: certificate.issuer,
  };
}

/** Records of before devices had groups and standings are completed. */
export function deviceOf({ value }: StoredRecord): DeviceRecord {
  const stored = { ...newDevice, ...(value as Partial<DeviceRecord>) };
  if (isComplete(stored)) return stored;
  const { revokedAtMs, ...device } = stored as EarlyRecord;
  const standing: Standing =
    revokedAtMs === null
      ? { state: "active", reason: "", sinceMs: device.enrolledAtMs }
      : { state: "revoked", reason: "", sinceMs: revokedAtMs };
  return { ...device, group: "", tags: [], tokenId: "", standing };
}

type EarlyRecord = Omit<DeviceRecord, "standing" | "group" | "tags" | "tokenId"> & {
  readonly revokedAtMs: number | null;
};

function isComplete(device: Partial<DeviceRecord>): device is DeviceRecord {
  return device.standing !== undefined;
}
