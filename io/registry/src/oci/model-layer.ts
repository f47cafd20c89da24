import { createHash } from "node:crypto";
import type { BlobReference } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";
import type { Release } from "../release.ts";
import { lengthOf, parentFolders, type Segment, tarArchive } from "./tar-archive.ts";

export type ReleasedFile = Pick<Release, "name" | "version" | "blob">;

/** Where the model lies in its image: what KServe, Triton and our own server expect. */
export function modelPath({ name, version }: Pick<Release, "name" | "version">): string {
  return `models/${name}/${version}/model.onnx`;
}

/**
 * The layer that a release adds to the runtime: an archive of its ONNX file,
 * as pieces, so that no second copy of the model is kept.
 */
export function modelLayer(release: ReleasedFile): readonly Segment[] {
  const path = modelPath(release);
  const file = { path, mode: 0o644, content: release.blob };
  return tarArchive([file, ...parentFolders([path])]);
}

/** Reads the model once. @throws SelvedgeError `not_found` when the model's blob is not there. */
export async function referenceOfSegments(
  segments: readonly Segment[],
  blobs: Pick<BlobStore, "stream">,
): Promise<BlobReference> {
  const hash = createHash("sha256");
  const length = lengthOf(segments);
  for await (const chunk of streamSegments(segments, blobs, 0, length)) hash.update(chunk);
  return { digest: `sha256:${hash.digest("hex")}`, length };
}

/** Bytes `start` (inclusive) to `end` (exclusive) of the pieces in a row. */
export async function* streamSegments(
  segments: readonly Segment[],
  blobs: Pick<BlobStore, "stream">,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (const segment of segments) {
    const from = Math.max(start - offset, 0);
    const to = Math.min(end - offset, segment.length);
    offset += segment.length;
    if (from >= to) continue;
    if (segment instanceof Uint8Array) yield segment.subarray(from, to);
    else yield* blobs.stream(segment.digest, from, to);
  }
}
