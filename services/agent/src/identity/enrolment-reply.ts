import { createPublicKey, type KeyObject, type X509Certificate } from "node:crypto";
import { type EnrolResponse, limits, publicKeyFromRaw } from "@selvedge/protocol";
import { checkDeviceChain, readCertificates, unusableReply } from "./device-chain.ts";
import { isPinned } from "./pinned-root.ts";

/** What a coordinator gave, checked. */
export interface CheckedReply {
  readonly deviceId: string;
  /** Leaf first, root excluded. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
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
    if (!holds) throw unusableReply(field, expected.url);
  };
  const read = <Value>(field: string, parse: () => Value): Value => {
    try {
      return parse();
    } catch (cause) {
      throw unusableReply(field, expected.url, cause);
    }
  };

  const roots = readCertificates("trust_bundle", reply.trustBundle, expected.url);
  check(
    "trust_bundle",
    roots.some((root) => isPinned(root, expected.rootPin)),
  );
  check("device_id", uuidPattern.test(reply.deviceId));
  const uri = `spiffe://${expected.trustDomain}/device/${reply.deviceId}`;
  const chain = checkDeviceChain(reply.chain, { ...expected, roots, uri });
  check("release_root", reply.releaseRoot.length <= limits.rootMetadataBytesMax);
  const releaseRoot = read("release_root", () => readJson(reply.releaseRoot));
  check("operator_keys", reply.operatorKeys.length <= operatorKeysMax);
  return {
    deviceId: reply.deviceId,
    chain,
    roots,
    releaseRoot,
    sealingKey: read("sealing_key", () => readSealingKey(reply.sealingKey)),
    operatorKeys: read("operator_keys", () => reply.operatorKeys.map(publicKeyFromRaw)),
    pending: reply.pending,
  };
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

const operatorKeysMax = 100;
const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
