import { isDigest, namePattern, SelvedgeError } from "@selvedge/protocol";
import type { Json } from "@selvedge/storage";
import type { Root } from "@tufjs/models";
import { loadCurrent, loadRoot, type SeenRelease, type TrustedMetadata } from "./client-workflow.ts";
import type { SignedMetadata } from "./signed-metadata.ts";

/** Key of the one record that holds all a device trusts. */
export const trustRecordKey = "release-trust";

/** What is stored: each document as it was signed, and the newest release seen of each name. */
export function trustRecord({ root, current, seen }: TrustedMetadata): Json {
  return {
    root: text(root.bytes),
    ...(current !== undefined && {
      timestamp: text(current.timestamp.bytes),
      snapshot: text(current.snapshot.bytes),
      targets: text(current.targets.bytes),
    }),
    seen: Object.fromEntries([...seen].map(([name, { version, digest }]) => [name, { version, digest }])),
  };
}

/**
 * The record, verified again: a disk is not a signature. What does not verify is
 * dropped rather than thrown, because the next update brings it back, while an
 * agent that cannot start never recovers. What was seen is kept.
 */
export function readTrustRecord(
  value: Json | undefined,
  enrolledRoot: SignedMetadata<Root>,
): TrustedMetadata {
  const record = isRecord(value) ? value : {};
  const seen = readSeen(record.seen);
  const root = orUndefined(() => loadRoot(bytes(record.root), "stored root"));
  if (root === undefined) return { root: enrolledRoot, current: undefined, seen };
  const current = orUndefined(() =>
    loadCurrent(root, {
      timestamp: bytes(record.timestamp),
      snapshot: bytes(record.snapshot),
      targets: bytes(record.targets),
    }),
  );
  return { root, current, seen };
}

function readSeen(value: Json | undefined): ReadonlyMap<string, SeenRelease> {
  const seen = new Map<string, SeenRelease>();
  for (const [name, entry] of Object.entries(isRecord(value) ? value : {})) {
    if (!namePattern.test(name) || !isRecord(entry)) continue;
    const { version, digest } = entry;
    if (typeof version === "number" && typeof digest === "string" && isDigest(digest)) {
      seen.set(name, { version, digest });
    }
  }
  return seen;
}

function orUndefined<T>(load: () => T): T | undefined {
  try {
    return load();
  } catch (thrown) {
    if (thrown instanceof SelvedgeError && thrown.code === "untrusted") return undefined;
    throw thrown;
  }
}

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bytes(value: Json | undefined): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : "");
}

function text(document: Uint8Array): string {
  return new TextDecoder().decode(document);
}
