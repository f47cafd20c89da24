import { digestOf } from "@selvedge/protocol";
import type { Descriptor, OciDocument } from "./descriptor.ts";

/** Encodes a document: equal values, with keys in equal order, have equal digests. */
export function ociDocument(
  mediaType: string,
  value: unknown,
  of: Pick<Descriptor, "platform" | "artifactType" | "annotations"> = {},
): OciDocument {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length, ...of } };
}
