import { type KeyObject, X509Certificate } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  type ConfirmCertificateResponse,
  ConfirmCertificateResponseSchema,
  type RenewExpiredRequest,
  type RenewExpiredResponse,
  RenewExpiredResponseSchema,
  type RenewRequest,
  type RenewResponse,
  RenewResponseSchema,
  SelvedgeError,
  verifyRenewal,
} from "@selvedge/protocol";
import type { AuditLog } from "../audit/audit-log.ts";
import type { Authority } from "./certificate-authority.ts";
import { clockSkewMs } from "./certificate-lifetimes.ts";
import { type CertificateReader, createCertificateReader, type VouchedDevice } from "./certificate-reader.ts";
import { keyDigestOf, readCertificateRequest } from "./certificate-request.ts";
import type { Challenges } from "./challenges.ts";
import { checkHost } from "./check-host.ts";
import type { DeviceAdmission } from "./device-admission.ts";
import {
  barredDevice,
  certificateFields,
  type DeviceRecord,
  isBarred,
  type Standing,
  unknownDevice,
} from "./device-record.ts";
import type { DeviceRegistry } from "./device-registry.ts";

/** Gives devices new certificates (SPEC EN17 to EN20). */
export interface RenewalService {
  /**
   * @param shown - the certificate of the caller's connection, DER.
   * @throws SelvedgeError `too_large`, `invalid_argument`, or `permission_denied`
   *   when that certificate's key was replaced before.
   */
  renew(deviceId: string, shown: Uint8Array, request: RenewRequest): Promise<RenewResponse>;
  confirm(): ConfirmCertificateResponse;
  /**
   * @throws SelvedgeError `failed_precondition` for an old challenge,
   *   `unauthenticated` unless the message is signed with the key of a
   *   certificate of ours, `permission_denied` for a device that was put out of
   *   the fleet, and as `renew`.
   */
  renewExpired(request: RenewExpiredRequest): Promise<RenewExpiredResponse>;
}

export interface RenewalOptions {
  readonly authority: Authority;
  readonly devices: DeviceRegistry;
  readonly admission: Pick<DeviceAdmission, "suspect">;
  readonly challenges: Challenges;
  readonly audit: Pick<AuditLog, "append">;
  readonly graceWindowMs: number;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createRenewalService(options: RenewalOptions): RenewalService {
  const { authority, devices, admission, audit, log, now } = options;
  const certificates = createCertificateReader(authority);

  async function issue(
    device: DeviceRecord,
    shown: X509Certificate,
    publicKey: KeyObject,
    standing?: Standing,
  ): Promise<Issued> {
    const issued = await authority.issueDeviceCertificate(publicKey, device.id, now());
    const after = await devices.renew(device.id, {
      ...certificateFields(issued.certificate),
      keyDigest: keyDigestOf(publicKey),
      askedBy: keyDigestOf(shown.publicKey),
      atMs: now(),
      ...(standing === undefined ? {} : { standing }),
    });
    return { chain: [...issued.chain], pending: after.standing.state === "pending" };
  }

  /** Who asks with a key that was replaced long ago has a copy of the device's folder, or is the thief's victim. */
  async function refuseReplacedKey(device: DeviceRecord, shown: X509Certificate): Promise<void> {
    if (!wasReplaced(device, shown)) return;
    await admission.suspect(device.id, "a key that it had replaced was used to renew its certificate");
    throw barredDevice({ ...device, standing: { ...device.standing, state: "quarantined" } });
  }

  return {
    async renew(deviceId, shownDer, request) {
      const shown = new X509Certificate(shownDer);
      const publicKey = await readCertificateRequest(request.csr);
      const device = await devices.read(deviceId);
      if (device === undefined) throw unknownDevice("device");
      await refuseReplacedKey(device, shown);
      const { chain } = await issue(device, shown, publicKey);
      log.info({ device: deviceId }, "a device's certificate was renewed");
      return create(RenewResponseSchema, { chain });
    },

    confirm: () => create(ConfirmCertificateResponseSchema, { timeMs: BigInt(now()) }),

    // Every check comes before the first write, as in enrolment (SPEC EN6).
    async renewExpired(request) {
      const { deviceId, shown, vouched } = await authenticate(request, options, certificates);
      checkHost("RenewExpiredRequest.host", request.host, authority.hosts);
      const publicKey = await readCertificateRequest(request.csr);
      const device = await devices.read(deviceId);
      if (device === undefined) throw unknownDevice("device");
      if (isBarred(device)) throw barredDevice(device);
      await refuseReplacedKey(device, shown);
      const ranOutMs = vouched?.validToMs ?? device.certificateExpiresAtMs;
      const { chain, pending } = await issue(
        device,
        shown,
        publicKey,
        lateStanding(device, ranOutMs, options),
      );
      const ranOut = new Date(ranOutMs).toISOString();
      const subject = device.name;
      await audit.append({
        actor: `device:${deviceId}`,
        action: "grace-renewal",
        subject,
        detail: { ranOut, pending },
      });
      log.warn(
        { device: deviceId, ranOut, pending },
        "a device came back whose certificate did not count any more",
      );
      return create(RenewExpiredResponseSchema, { chain, pending });
    },
  };
}

interface Issued {
  readonly chain: Uint8Array[];
  readonly pending: boolean;
}

/**
 * Proves that the caller has the key of a device, to this host, now. Who the
 * device is says a certificate of ours, or, when its issuer no longer counts,
 * our record of the key.
 */
async function authenticate(
  { chain, nonce, host, csr, signature }: RenewExpiredRequest,
  { challenges, devices, now }: RenewalOptions,
  certificates: CertificateReader,
): Promise<Caller> {
  challenges.check(nonce);
  const [certificate = new Uint8Array()] = chain;
  const shown = readCertificate(certificate);
  if (!verifyRenewal(shown.publicKey, { nonce, host, csr, certificate }, signature)) throw notOurs();
  const vouched = certificates.read(certificate);
  if (vouched !== undefined && vouched.validFromMs > now() + clockSkewMs) throw notOurs();
  const deviceId = vouched?.deviceId ?? (await devices.findByKey(keyDigestOf(shown.publicKey)))?.id;
  if (deviceId === undefined) throw notOurs();
  challenges.consume(nonce);
  return { deviceId, shown, vouched };
}

function readCertificate(der: Uint8Array): X509Certificate {
  try {
    if (der.length > certificateBytesMax) throw notOurs();
    return new X509Certificate(der);
  } catch (cause) {
    throw notOurs(cause);
  }
}

interface Caller {
  readonly deviceId: string;
  /** Undefined: what the certificate says of itself counts for nothing. */
  readonly vouched: VouchedDevice | undefined;
  readonly shown: X509Certificate;
}

/** Its key was this device's, and is neither the present one nor the one before it. */
function wasReplaced({ keyDigest, renewed, standing }: DeviceRecord, shown: X509Certificate): boolean {
  const digest = keyDigestOf(shown.publicKey);
  if (renewed === null || digest === keyDigest || digest === renewed.previousKeyDigest) return false;
  // After an approval what comes first is believed; and what is newer than our records is not old.
  if (standing.sinceMs > renewed.atMs) return false;
  return shown.validFromDate.getTime() + clockSkewMs < renewed.atMs;
}

/** Out of reach for longer than the grace window, an operator has to say that it is still wanted. */
function lateStanding(
  { standing }: DeviceRecord,
  ranOutMs: number,
  { graceWindowMs, now }: RenewalOptions,
): Standing | undefined {
  // An approval that came after it ran out says so.
  if (now() - ranOutMs <= graceWindowMs || standing.sinceMs > ranOutMs) return undefined;
  const ranOut = new Date(ranOutMs).toISOString();
  const reason = `its certificate ran out on ${ranOut}, longer ago than the grace window`;
  return { state: "pending", reason, sinceMs: now() };
}

function notOurs(cause?: unknown): SelvedgeError {
  return new SelvedgeError("unauthenticated", "the message is not signed by a device of this fleet", {
    at: "RenewExpiredRequest.signature",
    fix: "join again with a new token: selvedge join",
    cause,
  });
}

const certificateBytesMax = 4_096;
