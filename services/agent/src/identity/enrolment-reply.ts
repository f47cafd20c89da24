import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { type EnrolResponse, limits, publicKeyFromRaw, SelvedgeError } from "@selvedge/protocol";
import { isPinned } from "./pinned-root.ts";

/** What a coordinator gave, checked. */
export interface CheckedReply {
  readonly deviceId: string;
  readonly leaf: X509Certificate;
  /** Leaf first, root excluded. */
  readonly chain: readonly X509Certificate[];
  readonly roots: readonly X509Certificate[];
  readonly releaseRoot: string;
  readonly sealingKey: KeyObject;
  readonly operatorKeys: readonly KeyObject[];
  /** The device has to wait for an operator's approval. */
  readonly pending: boolean;
}

export interface ReplyExpectation {
  readonly trustDomain: string;
  readonly rootPin: Uint8Array;
  readonly publicKey: KeyObject;
  /** For messages. */
  readonly url: string;
}

/**
 * A device keeps nothing it could not use: the certificate is for its key and
 * id, its chain ends at a root of the reply, and the pinned root is among them.
 *
 * @throws SelvedgeError `corrupt` naming the field.
 */
export function checkEnrolResponse(reply: EnrolResponse, expected: ReplyExpectation): CheckedReply {
  const check = (field: string, holds: boolean): void => {
    if (!holds) throw unusable(field, expected.url);
  };
  const read = <Value>(field: string, parse: () => Value): Value => {
    try {
      return parse();
    } catch (cause) {
      throw unusable(field, expected.url, cause);
    }
  };

  check("trust_bundle", reply.trustBundle.length > 0 && reply.trustBundle.length <= certificatesMax);
  const roots = read("trust_bundle", () => reply.trustBundle.map((der) => new X509Certificate(der)));
  check(
    "trust_bundle",
    roots.some((root) => isPinned(root, expected.rootPin)),
  );
  check("chain", reply.chain.length <= certificatesMax);
  const chain = read("chain", () => reply.chain.map((der) => new X509Certificate(der)));
  const [leaf] = chain;
  if (leaf === undefined || !isChainTo(roots, chain) || !leaf.publicKey.equals(expected.publicKey)) {
    throw unusable("chain", expected.url);
  }
  const uri = `URI:spiffe://${expected.trustDomain}/device/${reply.deviceId}`;
  check("device_id", uuidPattern.test(reply.deviceId) && leaf.subjectAltName === uri);
  check("release_root", reply.releaseRoot.length <= limits.rootMetadataBytesMax);
  const releaseRoot = read("release_root", () => readJson(reply.releaseRoot));
  check("operator_keys", reply.operatorKeys.length <= operatorKeysMax);
  return {
    deviceId: reply.deviceId,
    leaf,
    chain,
    roots,
    releaseRoot,
    sealingKey: read("sealing_key", () => readSealingKey(reply.sealingKey)),
    operatorKeys: read("operator_keys", () => reply.operatorKeys.map(publicKeyFromRaw)),
    pending: reply.pending,
  };
}

function isChainTo(roots: readonly X509Certificate[], chain: readonly X509Certificate[]): boolean {
  return chain.every((certificate, index) => {
    const next = chain[index + 1];
    const issuers = next === undefined ? roots : [next];
    return issuers.some((issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
  });
}

/** The text as it came, because signatures will be checked over it. */
function readJson(bytes: Uint8Array): string {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  JSON.parse(text);
  return text;
}

function readSealingKey(raw: Uint8Array): KeyObject {
  const x = Buffer.from(raw).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
}

function unusable(field: string, url: string, cause?: unknown): SelvedgeError {
  return new SelvedgeError("corrupt", `the coordinator's reply cannot be used: ${field} is wrong`, {
    at: url,
    fix: "this is a fault of the coordinator: tell its operator",
    cause,
  });
}

const certificatesMax = 8;
const operatorKeysMax = 100;
const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
