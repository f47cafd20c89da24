import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import { SelvedgeError } from "@selvedge/protocol";

/** An Ed25519 key (RFC 8032) that signs release or round metadata. */
export interface SigningKey {
  /** TUF key id: SHA-256 of the key's canonical JSON, 64 hexadecimal digits. */
  readonly id: string;
  /** Raw public key, 64 hexadecimal digits. */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

/** Draws a new key from the operating system's randomness. */
export function generateSigningKey(): SigningKey {
  return signingKey(generateKeyPairSync("ed25519").privateKey);
}

/** @throws SelvedgeError `invalid_argument` when it is no Ed25519 key in PKCS #8 PEM. */
export function signingKeyFromPem(pem: string, at: string): SigningKey {
  try {
    return signingKey(createPrivateKey(pem));
  } catch (cause) {
    throw new SelvedgeError("invalid_argument", "not an Ed25519 private key", {
      at,
      fix: "give an Ed25519 key in PKCS #8 PEM form",
      cause,
    });
  }
}

export function signingKeyToPem(key: SigningKey): string {
  return key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/**
 * Writes a new key file that only its owner can read, and makes it durable.
 * @throws SelvedgeError `already_exists`; a key is never overwritten.
 */
export async function writeKeyFile(path: string, key: SigningKey): Promise<void> {
  const file = await open(path, "wx", 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "EEXIST") throw cause;
    throw new SelvedgeError("already_exists", "a key file is already there", {
      at: path,
      fix: "keep it, or move it away first",
      cause,
    });
  });
  try {
    await file.writeFile(signingKeyToPem(key));
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * @throws SelvedgeError `permission_denied` when others can read the file,
 * `invalid_argument` when it holds no Ed25519 key.
 */
export async function readKeyFile(path: string): Promise<SigningKey> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    throw new SelvedgeError("permission_denied", "the key file is open to other users", {
      at: path,
      fix: `chmod 600 ${path}`,
    });
  }
  return signingKeyFromPem(await readFile(path, "utf8"), path);
}

/**
 * TUF 1.0 §4.2: the SHA-256 of the canonical JSON of the key. The literal below
 * already is canonical: sorted names, no spaces, nothing to escape.
 */
export function keyIdOf(publicKey: string): string {
  const canonical = JSON.stringify({ keytype: "ed25519", keyval: { public: publicKey }, scheme: "ed25519" });
  return createHash("sha256").update(canonical).digest("hex");
}

function signingKey(privateKey: KeyObject): SigningKey {
  if (privateKey.asymmetricKeyType !== "ed25519") {
    throw new TypeError(`key type is ${privateKey.asymmetricKeyType}`);
  }
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  if (x === undefined) throw new TypeError("the key has no public half");
  const publicKey = Buffer.from(x, "base64url").toString("hex");
  return { id: keyIdOf(publicKey), publicKey, privateKey };
}
