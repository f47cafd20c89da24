import { X509Certificate } from "node:crypto";
import { request } from "node:https";
import { limits, SelvedgeError } from "@selvedge/protocol";
import type { CoordinatorAddress } from "./coordinator-address.ts";
import { pinOf } from "./device-trust.ts";

/**
 * Asks a coordinator that is not trusted yet for its root certificates, and
 * returns the one whose whole SubjectPublicKeyInfo hash is the pin (SPEC EN2).
 * Nothing is sent but the question, and the connection is not used again.
 *
 * @param pin - SHA-256, 32 bytes.
 * @throws SelvedgeError `too_large`, `corrupt`, or `untrusted` when no root has
 *   the pin; and what the connection failed with.
 */
export async function fetchPinnedRoot(
  address: CoordinatorAddress,
  pin: Uint8Array,
  signal: AbortSignal,
): Promise<X509Certificate> {
  const url = `${address.url}${path}`;
  const roots = parseCertificates(await fetchUntrusted(address, signal), url);
  const root = roots.find((one) => isPinned(one, pin));
  if (root !== undefined) return root;
  throw new SelvedgeError("untrusted", "the coordinator's root certificate is not the one the token pins", {
    at: url,
    fix: "check that address and token belong together; if so, somebody may be in between: tell the operator",
  });
}

export function isPinned(root: X509Certificate, pin: Uint8Array): boolean {
  return pinOf(root).equals(pin);
}

async function fetchUntrusted(address: CoordinatorAddress, signal: AbortSignal): Promise<string> {
  const url = `${address.url}${path}`;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // The one place that does not verify: what comes back is believed only if it has the pin.
  const sent = request(url, { agent: false, rejectUnauthorized: false, minVersion: "TLSv1.3", signal });
  sent.on("error", reject);
  sent.on("response", (response) => {
    if (response.statusCode !== 200) {
      reject(unusable(url, `it answers ${response.statusCode}`));
      response.destroy();
      return;
    }
    let body = "";
    response.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
      if (body.length <= limits.rootCertificatesBytesMax) return;
      reject(new SelvedgeError("too_large", "the coordinator's root certificates are too long", { at: url }));
      response.destroy();
    });
    response.on("end", () => resolve(body)).on("error", reject);
  });
  sent.end();
  try {
    return await promise;
  } finally {
    sent.destroy();
  }
}

function parseCertificates(pem: string, url: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    if (blocks.length > 0) return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw unusable(url, "they cannot be read", cause);
  }
  throw unusable(url, "there are none");
}

function unusable(url: string, why: string, cause?: unknown): SelvedgeError {
  return new SelvedgeError("corrupt", `no root certificates come from this address: ${why}`, {
    at: url,
    fix: "check that this is the address of a Selvedge coordinator",
    cause,
  });
}

const path = "/.well-known/selvedge/cacerts";
