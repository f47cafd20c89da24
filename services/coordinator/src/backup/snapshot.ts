import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { link, mkdir, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type FileBlobs, fileError, ifThere, type SnapshotStore, type StoredRecord } from "@selvedge/storage";

/** In a snapshot and in a backup: every record, one line of JSON each, in the order of keys. */
export const recordsFileName = "records.jsonl";

/**
 * Writes the records of one moment, and links every blob, into a new folder of
 * the coordinator's. Nobody may delete blobs meanwhile. Who takes it removes it.
 *
 * @returns the folder, relative to the coordinator's.
 * @throws SelvedgeError `resource_exhausted`, `permission_denied`, and what the store throws
 */
export async function writeSnapshot(
  folder: string,
  store: Pick<SnapshotStore, "snapshot">,
  blobs: FileBlobs,
): Promise<string> {
  const name = join(snapshotsFolder, randomUUID());
  const snapshot = join(folder, name);
  try {
    await mkdir(snapshot, { recursive: true, mode: 0o700 });
    const file = createWriteStream(join(snapshot, recordsFileName), { mode: 0o600, flush: true });
    await pipeline(Readable.from(linesOf(store.snapshot())), file);
    for await (const { digest } of blobs.list()) {
      const path = join(snapshot, blobFileName(digest));
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await link(blobs.pathOf(digest), path);
    }
    return name;
  } catch (thrown) {
    await rm(snapshot, { recursive: true, force: true });
    throw fileError(thrown, snapshot);
  }
}

/**
 * Removes what was left behind where a backup or its coordinator was killed: snapshots of a day ago.
 *
 * @param folder - the coordinator's.
 * @throws SelvedgeError `permission_denied`
 */
export async function removeOldSnapshots(folder: string, nowMs: number): Promise<void> {
  const all = join(folder, snapshotsFolder);
  for (const name of (await ifThere(all, readdir(all))) ?? []) {
    const path = join(all, name);
    // Whoever takes a snapshot removes it, perhaps just now.
    const found = await ifThere(path, stat(path));
    if (found !== undefined && found.mtimeMs < nowMs - dayMs)
      await rm(path, { recursive: true, force: true });
  }
}

/** Where a blob lies in a snapshot and in a backup: as in the blob store. */
export function blobFileName(digest: string): string {
  const hex = digest.slice("sha256:".length);
  return join("blobs", hex.slice(0, 2), hex);
}

async function* linesOf(records: AsyncIterable<StoredRecord>): AsyncIterable<string> {
  for await (const { key, version, value } of records) {
    // Two characters that JSON leaves as they are, and that some take for ends of lines.
    const line = JSON.stringify([key, version, value]).replace(/[\u2028\u2029]/g, (character) =>
      character === "\u2028" ? "\\u2028" : "\\u2029",
    );
    yield `${line}\n`;
  }
}

const snapshotsFolder = "snapshots";
const dayMs = 86_400_000;
