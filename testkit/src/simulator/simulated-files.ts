import type { Digest, SeededRandom } from "@selvedge/protocol";

/** The files of a blob store as `FileBlobStore` lays them out, and which of them a power cut may still change. */
export interface SimulatedFiles {
  readonly blobs: Map<Digest, Uint8Array>;
  /** Unfinished, as the machine's memory has them. */
  readonly parts: Map<Digest, Uint8Array>;
  /** Parts whose bytes are on the disk. */
  readonly synced: Set<Digest>;
  /** Blobs whose new name is not on the disk yet. */
  readonly renamed: Set<Digest>;
  /** Files whose removal is not on the disk yet. */
  readonly removed: Map<Digest, Uint8Array>;
}

export function emptyFiles(): SimulatedFiles {
  return { blobs: new Map(), parts: new Map(), synced: new Set(), renamed: new Set(), removed: new Map() };
}

/**
 * What a power cut does to them: an unsynced file has lost its end, or has it
 * as zeros; a rename or removal that was not synced has happened or not.
 *
 * @returns how many files it tore.
 */
export function losePower(files: SimulatedFiles, random: SeededRandom): number {
  let torn = 0;
  for (const digest of files.renamed) {
    const bytes = files.blobs.get(digest);
    if (bytes === undefined || random.uniform() < 0.5) continue;
    files.blobs.delete(digest);
    files.parts.set(digest, bytes);
    files.synced.add(digest);
  }
  for (const [digest, bytes] of files.removed) {
    if (!files.blobs.has(digest) && random.uniform() < 0.5) files.blobs.set(digest, bytes);
  }
  for (const [digest, bytes] of files.parts) {
    if (files.synced.has(digest)) continue;
    files.parts.set(digest, tear(bytes, random));
    torn += 1;
  }
  files.renamed.clear();
  files.removed.clear();
  return torn;
}

function tear(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const written = random.integer(bytes.length + 1);
  if (random.uniform() < 0.5) return bytes.slice(0, written);
  return bytes.slice().fill(0, written);
}
