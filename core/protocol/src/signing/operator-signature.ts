import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { SelvedgeError } from "../errors.ts";

/** Field for field the wire's `PlanSignature`. */
export interface OperatorSignature {
  /** "ed25519:" and 64 hexadecimal digits; see `keyIdOf`. */
  readonly keyId: string;
  /** Ed25519 (RFC 8032), 64 bytes. */
  readonly signature: Uint8Array;
  /** Raw key of that id, 32 bytes; empty when it did not come along. */
  readonly publicKey: Uint8Array;
}

/**
 * Signs the SHA-256 of an encoded plan, under a label of its own, so that no
 * other signature of this key can pass for one of a plan.
 *
 * @throws SelvedgeError `invalid_argument` when the key is not an Ed25519 private key.
 */
export function signPlan(planBytes: Uint8Array, privateKey: KeyObject): OperatorSignature {
  if (privateKey.type !== "private") throw notEd25519("a private key is needed to sign");
  const publicKey = createPublicKey(privateKey);
  return {
    keyId: keyIdOf(publicKey),
    signature: new Uint8Array(sign(null, signedBytes(planBytes), privateKey)),
    publicKey: rawPublicKey(publicKey),
  };
}

/**
 * @param publicKeys - Ed25519 keys of the operators that are trusted.
 * @returns the key that signed.
 * @throws SelvedgeError `untrusted` when none of the keys did.
 */
export function verifyPlan(
  planBytes: Uint8Array,
  signature: Pick<OperatorSignature, "keyId" | "signature">,
  publicKeys: readonly KeyObject[],
): KeyObject {
  const signer = publicKeys.find((key) => keyIdOf(key) === signature.keyId);
  if (signer === undefined) {
    throw new SelvedgeError(
      "untrusted",
      `the plan's signer "${signature.keyId.slice(0, 80)}" is not trusted`,
      {
        at: "plan signature",
        fix: "ask who runs the fleet which operator key signs its plans",
      },
    );
  }
  if (!verify(null, signedBytes(planBytes), signer, signature.signature)) {
    throw new SelvedgeError("untrusted", "the plan's signature does not match the plan", {
      at: "plan signature",
      fix: "the plan changed after it was signed: sign it again, and find out who changed it",
    });
  }
  return signer;
}

/**
 * The key that came along with a signature. It proves nothing by itself: whether
 * its id may sign is for others to say.
 *
 * @returns undefined when none came.
 * @throws SelvedgeError `invalid_argument` when it is no key; `untrusted` when it has another id.
 */
export function keyOfSignature({ keyId, publicKey }: OperatorSignature): KeyObject | undefined {
  if (publicKey.length === 0) return undefined;
  const key = publicKeyFromRaw(publicKey);
  if (keyIdOf(key) === keyId) return key;
  throw new SelvedgeError("untrusted", "the key that came with the plan's signature is not the signer's", {
    at: "plan signature",
  });
}

/** "ed25519:" and the SHA-256 of the raw public key in hexadecimal digits. */
export function keyIdOf(publicKey: KeyObject): string {
  return `ed25519:${createHash("sha256").update(rawPublicKey(publicKey)).digest("hex")}`;
}

/** @returns 32 bytes, as they travel in `EnrolResponse.operator_keys`. */
export function rawPublicKey(publicKey: KeyObject): Uint8Array {
  const { x } = publicKey.asymmetricKeyType === "ed25519" ? publicKey.export({ format: "jwk" }) : {};
  if (x === undefined) throw notEd25519(`this is a key of type ${publicKey.asymmetricKeyType ?? "secret"}`);
  return new Uint8Array(Buffer.from(x, "base64url"));
}

/** @throws SelvedgeError `invalid_argument` unless given 32 bytes. */
export function publicKeyFromRaw(raw: Uint8Array): KeyObject {
  if (raw.length !== 32) throw notEd25519(`a public key has 32 bytes, not ${raw.length}`);
  const x = Buffer.from(raw).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

/** The label is a fixed prefix and the digest has a fixed length: no two plans share these bytes. */
function signedBytes(planBytes: Uint8Array): Uint8Array {
  const digest = createHash("sha256").update(planBytes).digest();
  return Buffer.concat([Buffer.from(planLabel, "utf8"), digest]);
}

function notEd25519(why: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `not an Ed25519 key: ${why}`, {
    at: "operator key",
    fix: "give an Ed25519 key, as selvedge up makes",
  });
}

const planLabel = "selvedge plan v1\0";
