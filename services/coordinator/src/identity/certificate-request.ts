// The X.509 library's container needs this polyfill before it is loaded.
import "reflect-metadata";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { Pkcs10CertificateRequest } from "@peculiar/x509";
import { limits, SelvedgeError } from "@selvedge/protocol";

/**
 * Reads a PKCS #10 request (RFC 2986) and proves that its sender has the key.
 * Its subject, attributes and extensions are not even looked at: what a
 * certificate says is the coordinator's to decide (SPEC EN9).
 *
 * @param der - at most `limits.certificateRequestBytesMax` bytes.
 * @returns its P-256 public key.
 * @throws SelvedgeError `too_large`, or `invalid_argument` when it is not a
 *   request, has another kind of key, or is not signed by that key.
 */
export async function readCertificateRequest(der: Uint8Array): Promise<KeyObject> {
  if (der.length > limits.certificateRequestBytesMax) {
    throw new SelvedgeError("too_large", `the certificate request has ${der.length} bytes`, {
      at: "EnrolRequest.csr",
      fix: `send at most ${limits.certificateRequestBytesMax}`,
    });
  }
  const { request, publicKey } = parse(der);
  if (publicKey.asymmetricKeyType !== "ec" || publicKey.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw refused("its key is not on the curve P-256");
  }
  const verified = await request.verify().catch((cause: unknown) => {
    throw refused("its signature cannot be checked", cause);
  });
  if (!verified) throw refused("it is not signed by the key it holds");
  return publicKey;
}

/** @returns SHA-256 of the SubjectPublicKeyInfo in hexadecimal digits: one text per key. */
export function keyDigestOf(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}

function parse(der: Uint8Array): { request: Pkcs10CertificateRequest; publicKey: KeyObject } {
  try {
    // The library would read text as PEM: only DER bytes get that far.
    const request = new Pkcs10CertificateRequest(Uint8Array.from(der));
    const spki = Buffer.from(request.publicKey.rawData);
    return { request, publicKey: createPublicKey({ key: spki, format: "der", type: "spki" }) };
  } catch (cause) {
    throw refused("it is not PKCS #10 in DER", cause);
  }
}

function refused(why: string, cause?: unknown): SelvedgeError {
  return new SelvedgeError("invalid_argument", `the certificate request is refused: ${why}`, {
    at: "EnrolRequest.csr",
    fix: "send a PKCS #10 request in DER for a P-256 key, signed with ECDSA",
    cause,
  });
}
