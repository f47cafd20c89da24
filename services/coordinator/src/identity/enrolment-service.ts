import { type KeyObject, randomBytes, randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  type ChallengeResponse,
  ChallengeResponseSchema,
  type EnrolRequest,
  type EnrolResponse,
  EnrolResponseSchema,
  SelvedgeError,
  verifyEnrolmentMac,
} from "@selvedge/protocol";
import type { Store } from "@selvedge/storage";
import type { AuditLog } from "../audit/audit-log.ts";
import type { Authority } from "./certificate-authority.ts";
import { keyDigestOf, readCertificateRequest } from "./certificate-request.ts";
import type { Challenges } from "./challenges.ts";
import { checkHost } from "./check-host.ts";
import {
  barredDevice,
  certificateFields,
  type DeviceRecord,
  isBarred,
  newDevice,
  type Standing,
} from "./device-record.ts";
import type { DeviceRegistry, Renewal } from "./device-registry.ts";
import { checkName } from "./group-and-tags.ts";
import { pinTextOf } from "./identity-rotation.ts";
import { recordTokenReuse } from "./security-events.ts";
import type { TokenRecord, TokenStore } from "./token-store.ts";
import { createTurns } from "./turns.ts";

/** Turns a join token and a certificate request into a device (SPEC section 2). */
export interface EnrolmentService {
  challenge(): ChallengeResponse;
  /**
   * @throws SelvedgeError `unauthenticated` alike for an unknown token and a
   *   wrong MAC; `failed_precondition` for an old challenge or an expired
   *   token; `invalid_argument`; `permission_denied` for another key on a used
   *   token, or a revoked device.
   */
  enrol(request: EnrolRequest, connection: EnrolmentConnection): Promise<EnrolResponse>;
}

export interface EnrolmentConnection {
  /** 32 bytes under `channelBinding.label`; undefined when the connection has none. */
  readonly exporter?: Uint8Array | undefined;
}

export interface EnrolmentOptions {
  readonly store: Store;
  readonly authority: Authority;
  readonly tokens: TokenStore;
  readonly devices: DeviceRegistry;
  readonly challenges: Challenges;
  readonly audit: Pick<AuditLog, "append">;
  /** What the reply tells a device besides its certificate. */
  readonly trust: () => FleetTrust;
  readonly log: EnrolmentLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** See `EnrolResponse` for each. */
export interface FleetTrust {
  readonly releaseRoot: Uint8Array;
  readonly sealingKey: Uint8Array;
  readonly operatorKeys: readonly Uint8Array[];
}

export interface EnrolmentLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export function createEnrolmentService(options: EnrolmentOptions): EnrolmentService {
  const { authority, tokens, devices, challenges, audit, trust, log, now } = options;
  // Many devices may come with one token at once: they would only be in each other's way.
  const inTurn = createTurns();
  // Stands in for the key of a token that does not exist: both take the same path.
  const strangerKey = new Uint8Array(randomBytes(32));

  /** Proves that the caller holds the token, to this host, on this connection, now. */
  async function authenticate(request: EnrolRequest, connection: EnrolmentConnection): Promise<TokenRecord> {
    const { tokenId, host, nonce, csr, mac } = request;
    challenges.check(nonce);
    const token = tokenIdPattern.test(tokenId) ? (await tokens.read(tokenId))?.token : undefined;
    const key = token === undefined ? strangerKey : Buffer.from(token.key, "base64url");
    const exporter = exporterOf(request, connection);
    const claim = { tokenId, trustDomain: authority.trustDomain, host, nonce, csr, exporter };
    if (!verifyEnrolmentMac(key, claim, mac) || token === undefined) throw notAccepted();
    challenges.consume(nonce);
    return token;
  }

  /** @returns undefined when the token is used up by other keys. */
  async function admit(tokenId: string, name: string, publicKey: KeyObject): Promise<Admission | undefined> {
    const keyDigest = keyDigestOf(publicKey);
    const stored = await tokens.read(tokenId);
    if (stored === undefined) throw notAccepted();
    // Also here: it may have been revoked while others had their turn.
    checkUsable(stored.token, now());
    const isRepeated = (await tokens.deviceOf(tokenId, keyDigest)) !== undefined;
    if (!isRepeated && stored.token.used >= stored.token.usesMax) return undefined;
    const known = await devices.findByKey(keyDigest);
    if (known !== undefined && isBarred(known)) throw barredDevice(known);
    const deviceId = known?.id ?? randomUUID();
    const issued = await authority.issueDeviceCertificate(publicKey, deviceId, now());
    const redemption = isRepeated ? [] : tokens.redemption(stored, keyDigest, deviceId);
    const entry = { actor: `device:${deviceId}`, action: "enrol", subject: known?.name ?? name };
    if (known !== undefined) {
      await audit.append({ ...entry, detail: { tokenId, isNew: false } }, redemption);
      const renewal = {
        ...certificateFields(issued.certificate),
        keyDigest,
        askedBy: keyDigest,
        atMs: now(),
      };
      const device = await devices.renew(deviceId, renewal);
      return { device, chain: issued.chain, isNew: false };
    }
    const trustedPins = authority.trustBundle.map(pinTextOf);
    const fields = certificateFields(issued.certificate);
    const identity = { id: deviceId, name, keyDigest, trustedPins, ...fields };
    const device = deviceFrom(stored.token, identity, now());
    const detail = { tokenId, isNew: true, pending: device.standing.state === "pending" };
    await audit.append({ ...entry, detail }, [...redemption, ...devices.addition(device)]);
    devices.added(device);
    return { device, chain: issued.chain, isNew: true };
  }

  return {
    challenge: () =>
      create(ChallengeResponseSchema, { nonce: challenges.issue(), trustDomain: authority.trustDomain }),

    // Every check comes before the first write (SPEC EN6).
    async enrol(request, connection) {
      checkName("EnrolRequest.name", request.name);
      const token = await authenticate(request, connection);
      checkUsable(token, now());
      checkHost("EnrolRequest.host", request.host, authority.hosts);
      const publicKey = await readCertificateRequest(request.csr);
      const admission = await inTurn(() => admit(token.id, request.name, publicKey));
      if (admission === undefined) throw await inTurn(() => refuseReuse(options, request, publicKey));
      const { device, chain, isNew } = admission;
      const pending = device.standing.state === "pending";
      const { id: deviceId, name } = device;
      log.info({ device: deviceId, name, token: token.id, isNew, pending }, "a device enrolled");
      const { releaseRoot, sealingKey, operatorKeys } = trust();
      return create(EnrolResponseSchema, {
        deviceId,
        chain: [...chain],
        trustBundle: authority.trustBundle.map((root) => new Uint8Array(root.raw)),
        releaseRoot,
        sealingKey,
        operatorKeys: [...operatorKeys],
        pending,
      });
    },
  };
}

async function refuseReuse(
  { store, log, now }: EnrolmentOptions,
  { tokenId, name }: EnrolRequest,
  publicKey: KeyObject,
): Promise<SelvedgeError> {
  const event = { tokenId, keyDigest: keyDigestOf(publicKey), name, atMs: now() };
  log.warn(
    { token: tokenId, name, keyDigest: event.keyDigest },
    "a used-up join token was tried with another key: it may be stolen",
  );
  await recordTokenReuse(store, event);
  return new SelvedgeError("permission_denied", "the join token was already used by another device", {
    at: "join token",
    fix: `${askForToken}; if nobody of yours used it, tell the operator`,
  });
}

interface Admission {
  readonly device: DeviceRecord;
  readonly chain: readonly Uint8Array[];
  readonly isNew: boolean;
}

function exporterOf(request: EnrolRequest, connection: EnrolmentConnection): Uint8Array {
  if (!request.channelBound) return new Uint8Array();
  if (connection.exporter !== undefined) return connection.exporter;
  throw new SelvedgeError("failed_precondition", "this connection has no TLS exporter to bind to", {
    at: "EnrolRequest.channel_bound",
    fix: "connect to the coordinator itself, without a proxy that ends TLS",
  });
}

/** A new device, with what its token grants. */
function deviceFrom(
  { id: tokenId, group, tags, approve }: TokenRecord,
  identity: Omit<Renewal, "askedBy" | "atMs" | "standing"> &
    Pick<DeviceRecord, "id" | "name" | "trustedPins">,
  nowMs: number,
): DeviceRecord {
  const standing: Standing = approve
    ? { state: "pending", reason: "it waits for an operator's approval", sinceMs: nowMs }
    : { state: "active", reason: "", sinceMs: nowMs };
  return { ...newDevice, ...identity, group, tags, tokenId, enrolledAtMs: nowMs, standing };
}

function checkUsable(token: TokenRecord, nowMs: number): void {
  if (token.revokedAtMs !== null) {
    throw new SelvedgeError("failed_precondition", "the join token was revoked", {
      at: "join token",
      fix: askForToken,
    });
  }
  if (nowMs < token.expiresAtMs) return;
  const at = new Date(token.expiresAtMs).toISOString();
  throw new SelvedgeError("failed_precondition", `the join token expired at ${at}`, {
    at: "join token",
    fix: askForToken,
  });
}

function notAccepted(): SelvedgeError {
  return new SelvedgeError("unauthenticated", "the join token is not accepted", {
    at: "join token",
    fix: `check that the whole token was copied, or ${askForToken}`,
  });
}

const tokenIdPattern = /^[a-z0-9]{8,32}$/;
const askForToken = "ask the operator for a new one: selvedge token create";
