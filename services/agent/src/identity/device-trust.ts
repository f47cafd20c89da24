import { createHash, X509Certificate } from "node:crypto";
import { SelvedgeError } from "@selvedge/protocol";
import type { DeviceFolder } from "./device-folder.ts";

/**
 * Reads the roots a coordinator may be under, PEM; a damaged file is replaced
 * by the one before it.
 *
 * @throws SelvedgeError `corrupt`.
 */
export async function loadTrust(folder: DeviceFolder): Promise<string> {
  const current = await folder.read("trust.pem");
  if (current !== undefined && readRoots(current).length > 0) return current;
  const previous = await folder.read("trust.pem.old");
  if (previous === undefined || readRoots(previous).length === 0) throw damaged(folder);
  await folder.write("trust.pem", previous);
  return previous;
}

/** Keeps roots that are to be tried before they are relied on. */
export async function stageTrust(folder: DeviceFolder, roots: readonly X509Certificate[]): Promise<string> {
  const pem = roots.map(String).join("");
  await folder.write("trust.pem.new", pem);
  return pem;
}

/** Puts what was tried in the place of what was in use, which is kept beside it. */
export async function adoptTrust(folder: DeviceFolder): Promise<void> {
  await folder.write("trust.pem.old", await loadTrust(folder));
  await folder.replace("trust.pem", "trust.pem.new");
}

/** Certificates in a PEM bundle; empty when any of them cannot be read. */
export function readRoots(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    // Damaged as a whole, for its reader.
    return [];
  }
}

/** SHA-256 of a certificate's SubjectPublicKeyInfo, 32 bytes. */
export function pinOf({ publicKey }: X509Certificate): Buffer {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest();
}

function damaged(folder: DeviceFolder): SelvedgeError {
  return new SelvedgeError(
    "corrupt",
    "the device's identity is damaged: trust.pem: it is missing or cannot be read",
    {
      at: folder.path,
      fix: "restore the folder, or remove identity.json and enrol again: selvedge join",
    },
  );
}
