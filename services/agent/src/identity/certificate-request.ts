import { createPublicKey, type KeyObject } from "node:crypto";

/**
 * A PKCS #10 request (RFC 2986) that proves the device has this key. What else
 * it says does not count: the coordinator decides what a certificate says.
 *
 * @param privateKey - P-256.
 * @returns DER.
 */
export async function createCertificateRequest(privateKey: KeyObject): Promise<Uint8Array> {
  // Loaded here, because an enrolled agent runs for months without it. The
  // library's container needs the polyfill first.
  await import("reflect-metadata");
  const { Pkcs10CertificateRequestGenerator } = await import("@peculiar/x509");
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: "CN=selvedge device",
    keys: {
      privateKey: privateKey.toCryptoKey(algorithm, false, ["sign"]),
      publicKey: createPublicKey(privateKey).toCryptoKey(algorithm, true, ["verify"]),
    },
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
  });
  return new Uint8Array(request.rawData);
}
