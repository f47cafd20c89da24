import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";

/** One file of a backup; paths are relative, with slashes. */
export interface BackupFile {
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of its content, hexadecimal. */
  readonly sha256: string;
}

/** What a backup holds: every file of it but this one. */
export interface BackupManifest {
  readonly format: 1;
  readonly softwareVersion: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly files: readonly BackupFile[];
}

export const manifestFileName = "manifest.json";

/** @throws SelvedgeError `not_found`, `corrupt`, `unsupported` (of a newer version) */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const path = join(folder, manifestFileName);
  const text = await readFile(path, "utf8").catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
  const manifest = parse(text, path);
  if (manifest.format !== 1) {
    throw new SelvedgeError("unsupported", `the backup has format ${JSON.stringify(manifest.format)}`, {
      at: path,
      fix: "restore it with the version of Selvedge that made it, or a newer one",
    });
  }
  const { files, softwareVersion, createdAt } = manifest;
  if (!Array.isArray(files) || !files.every(isFile)) throw corrupt(path, "it does not list files");
  if (new Set(files.map((file) => file.path)).size !== files.length)
    throw corrupt(path, "it lists a file twice");
  return { format: 1, softwareVersion: String(softwareVersion), createdAt: String(createdAt), files };
}

function parse(text: string, path: string): Partial<BackupManifest> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Said below.
  }
  throw corrupt(path, "it is not a manifest");
}

/** Only the paths that a backup has: what a manifest names is written, and read by the coordinator. */
function isFile(value: unknown): value is BackupFile {
  const { path, bytes, sha256 } = (value ?? {}) as Partial<BackupFile>;
  return (
    typeof path === "string" &&
    filePath.test(path) &&
    Number.isSafeInteger(bytes) &&
    typeof sha256 === "string" &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}

function corrupt(path: string, reason: string): SelvedgeError {
  return new SelvedgeError("corrupt", `the backup is damaged: ${reason}`, {
    at: path,
    fix: "restore another backup",
  });
}

const filePath =
  /^(?:records\.jsonl|operator\.json|blobs\/[0-9a-f]{2}\/[0-9a-f]{64}|(?:keys|operator|release-keys)\/[a-z0-9][a-z0-9._-]{0,63})$/i;
