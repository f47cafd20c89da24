import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { type Client, createClient } from "@connectrpc/connect";
import { EnrolmentService, RenewalService, signRenewal } from "@selvedge/protocol";
import { type ClientTls, createGatewayClient, type GatewayClient } from "@selvedge/transport-grpc";
import { createCertificateRequest } from "./certificate-request.ts";
import { parseCoordinatorUrl } from "./coordinator-address.ts";
import { checkDeviceChain } from "./device-chain.ts";
import { readRoots } from "./device-trust.ts";
import type { LiveIdentity } from "./live-identity.ts";

/** What the coordinator answers to a device that asks for a new certificate. */
export interface RenewedCertificate {
  /** PEM, leaf first, root excluded. */
  readonly chain: string;
  /** The device has to wait for an operator's approval. */
  readonly isPending: boolean;
}

/** Asks over a connection made with the certificate in use (SPEC EN17). */
export function askForRenewal(
  identity: LiveIdentity,
  nextKey: KeyObject,
  signal: AbortSignal,
): Promise<RenewedCertificate> {
  return connected(identity, identity.tls(), async (gateway) => {
    const csr = await createCertificateRequest(nextKey);
    const { chain } = await client(gateway).renew({ csr }, { signal });
    return { chain: checkedChain(identity, nextKey, chain), isPending: false };
  });
}

/** Asks with a message that the key of a certificate signs which no longer counts (SPEC EN19). */
export function askForGrace(
  identity: LiveIdentity,
  nextKey: KeyObject,
  signal: AbortSignal,
): Promise<RenewedCertificate> {
  return connected(identity, identity.strangerTls(), async (gateway) => {
    const { nonce } = await createClient(EnrolmentService, gateway.transport).challenge({}, { signal });
    const { host } = parseCoordinatorUrl(identity.coordinatorUrl);
    const csr = await createCertificateRequest(nextKey);
    const chain = readRoots(identity.credential.chain).map(({ raw }) => new Uint8Array(raw));
    const [certificate = new Uint8Array()] = chain;
    const claim = { nonce, host, csr, certificate };
    const signature = signRenewal(createPrivateKey(identity.credential.key), claim);
    const reply = await client(gateway).renewExpired({ nonce, host, csr, chain, signature }, { signal });
    return { chain: checkedChain(identity, nextKey, reply.chain), isPending: reply.pending };
  });
}

/**
 * Proves that a connection made so is let in (SPEC EN18).
 *
 * @returns the coordinator's time, Unix milliseconds.
 */
export function confirm(identity: LiveIdentity, tls: ClientTls, signal: AbortSignal): Promise<number> {
  return connected(identity, tls, async (gateway) => {
    const { timeMs } = await client(gateway).confirmCertificate({}, { signal });
    return Number(timeMs);
  });
}

async function connected<Result>(
  { coordinatorUrl }: LiveIdentity,
  tls: ClientTls,
  work: (gateway: GatewayClient) => Promise<Result>,
): Promise<Result> {
  const gateway = createGatewayClient({ url: coordinatorUrl, tls });
  try {
    return await work(gateway);
  } finally {
    gateway.close();
  }
}

function client({ transport }: GatewayClient): Client<typeof RenewalService> {
  return createClient(RenewalService, transport);
}

function checkedChain(identity: LiveIdentity, nextKey: KeyObject, chain: readonly Uint8Array[]): string {
  const { coordinatorUrl: url, roots, uri } = identity;
  return checkDeviceChain(chain, { roots, publicKey: createPublicKey(nextKey), uri, url }).join("");
}
