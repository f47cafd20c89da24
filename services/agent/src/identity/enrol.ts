import { createPublicKey, type KeyObject } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import {
  EnrolmentService,
  enrolmentKey,
  enrolmentMac,
  type JoinToken,
  parseJoinToken,
  SelvedgeError,
} from "@selvedge/protocol";
import { createGatewayClient, fromConnectError, type GatewayClient } from "@selvedge/transport-grpc";
import { createCertificateRequest } from "./certificate-request.ts";
import { type CoordinatorAddress, parseCoordinatorUrl } from "./coordinator-address.ts";
import type { DeviceFolder } from "./device-folder.ts";
import {
  type DeviceIdentity,
  exportKey,
  loadDeviceIdentity,
  openDeviceKey,
  storeDeviceIdentity,
} from "./device-identity.ts";
import { type CheckedReply, checkEnrolResponse } from "./enrolment-reply.ts";
import { fetchPinnedRoot } from "./pinned-root.ts";

export interface EnrolOptions {
  /** `https://host:port` of the coordinator. */
  readonly url: string;
  /** Text of a join token. */
  readonly token: string;
  readonly folder: DeviceFolder;
  /** What the operator sees; see `namePattern`. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The earliest that it can be; default 1970. */
  readonly floor?: () => number;
  readonly log: { info(fields: object, message: string): void };
  /** Told when the device has to wait for an operator's approval. */
  readonly onPending?: () => void;
  /** For the whole of it; default 30 s. */
  readonly timeoutMs?: number;
}

/**
 * Makes this device a member of a fleet (SPEC section 2). Can be called again
 * after any failure or crash, with the same token, and ends in the same
 * identity; one that is complete and not expired is returned as it is.
 *
 * @throws SelvedgeError `invalid_argument`, `already_exists` when the folder
 *   belongs to another coordinator's device, `unavailable`,
 *   `deadline_exceeded`, `untrusted`, `corrupt`, or what the coordinator
 *   refuses with.
 */
export async function enrolDevice(options: EnrolOptions): Promise<DeviceIdentity> {
  const { folder, name, now, floor = () => 0, log, timeoutMs = 30_000 } = options;
  const address = parseCoordinatorUrl(options.url);
  const token = parseJoinToken(options.token);
  const existing = await existingIdentity(folder, address, now());
  if (existing !== undefined) return existing;

  const signal = AbortSignal.timeout(timeoutMs);
  const privateKey = await openDeviceKey(folder);
  const { trustDomain, reply } = await join({ address, token, name, privateKey, signal, floor, log });
  const identity = identityOf(reply, { address, trustDomain, privateKey, enrolledAtMs: now() });
  await storeDeviceIdentity(folder, identity);
  log.info({ device: identity.deviceId, url: address.url }, "enrolled");
  if (reply.pending) options.onPending?.();
  return identity;
}

async function existingIdentity(
  folder: DeviceFolder,
  { url }: CoordinatorAddress,
  nowMs: number,
): Promise<DeviceIdentity | undefined> {
  const identity = await loadDeviceIdentity(folder);
  if (identity === undefined) return undefined;
  if (identity.coordinatorUrl !== url) {
    throw new SelvedgeError("already_exists", `this folder is a device of ${identity.coordinatorUrl}`, {
      at: folder.path,
      fix: "use another folder for another fleet",
    });
  }
  // One that ran out is replaced, under the same key and so the same id.
  return nowMs < identity.expiresAtMs ? identity : undefined;
}

interface JoinContext {
  readonly address: CoordinatorAddress;
  readonly token: JoinToken;
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly signal: AbortSignal;
  readonly floor: () => number;
  readonly log: EnrolOptions["log"];
}

interface Joined {
  readonly trustDomain: string;
  readonly reply: CheckedReply;
}

/**
 * Two connections: one that believes nothing, to learn the root, and one that
 * believes only that root, for challenge and enrolment.
 */
async function join(context: JoinContext): Promise<Joined> {
  const { address, token, signal, log } = context;
  try {
    const root = await fetchPinnedRoot(address, token.rootPin, signal);
    log.info({ url: address.url }, "the coordinator's root certificate is the one the token pins");
    const gateway = createGatewayClient({
      url: address.url,
      tls: { ca: root.toString(), notExpiredAt: context.floor },
    });
    try {
      return await prove(context, gateway);
    } finally {
      gateway.close();
    }
  } catch (thrown) {
    throw signal.aborted ? timedOut(address.url, thrown) : fromConnectError(thrown, address.url);
  }
}

async function prove(context: JoinContext, gateway: GatewayClient): Promise<Joined> {
  const { address, token, name, privateKey, signal } = context;
  const client = createClient(EnrolmentService, gateway.transport);
  const { nonce, trustDomain } = await client.challenge({}, { signal });
  const exporter = await gateway.exporter();
  const { host, url } = address;
  const csr = await createCertificateRequest(privateKey);
  const claim = { tokenId: token.id, trustDomain, host, nonce, csr, exporter };
  const mac = enrolmentMac(enrolmentKey(token.secret, token.id), claim);
  const reply = await client.enrol(
    { tokenId: token.id, nonce, host, csr, mac, channelBound: true, name },
    { signal },
  );
  const publicKey = createPublicKey(privateKey);
  const expected = { trustDomain, rootPin: token.rootPin, publicKey, url };
  return { trustDomain, reply: checkEnrolResponse(reply, expected) };
}

function identityOf(
  reply: CheckedReply,
  about: {
    readonly address: CoordinatorAddress;
    readonly trustDomain: string;
    readonly privateKey: KeyObject;
    readonly enrolledAtMs: number;
  },
): DeviceIdentity {
  return {
    deviceId: reply.deviceId,
    coordinatorUrl: about.address.url,
    trustDomain: about.trustDomain,
    enrolledAtMs: about.enrolledAtMs,
    key: exportKey(about.privateKey),
    chain: reply.chain.map(String).join(""),
    trust: reply.roots.map(String).join(""),
    expiresAtMs: reply.chain[0].validToDate.getTime(),
    releaseRoot: reply.releaseRoot,
    sealingKey: reply.sealingKey,
    operatorKeys: reply.operatorKeys,
  };
}

function timedOut(url: string, cause: unknown): SelvedgeError {
  return new SelvedgeError("deadline_exceeded", "the coordinator did not answer in time", {
    at: url,
    fix: "run the same command again: the token is still good for this device",
    cause,
  });
}
