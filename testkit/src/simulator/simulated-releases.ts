import { createHash, createPrivateKey } from "node:crypto";
import {
  createReleaseRepository,
  type InitialMetadata,
  type SigningKey,
  signingKeyFromPem,
} from "@selvedge/registry";

/** The same keys in every run, so that equal seeds give equal bytes. */
export const releaseKeys: Readonly<Record<"root" | "release" | "online" | "round", SigningKey>> = {
  root: keyOf("root"),
  release: keyOf("release"),
  online: keyOf("online"),
  round: keyOf("round"),
};

/** When every simulation starts, Unix milliseconds. */
export const startAt: number = Date.UTC(2030, 0, 1);

/** What devices received at enrolment, and a coordinator starts with. */
export const initialMetadata: InitialMetadata = createReleaseRepository({ keys: releaseKeys, now: startAt });

/** The Ed25519 key whose seed is the SHA-256 of its role; PKCS #8 of RFC 8410. */
function keyOf(role: string): SigningKey {
  const seed = createHash("sha256").update(role).digest();
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return signingKeyFromPem(key.export({ type: "pkcs8", format: "pem" }).toString(), role);
}
