import { createHash } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError } from "@selvedge/storage";
import type { BackupFile } from "./manifest.ts";

/**
 * Copies a file so that it is durable, readable by its owner alone, and hashed
 * on its way; its folder is made when absent.
 *
 * @throws SelvedgeError `not_found`, `permission_denied`, `resource_exhausted`
 */
export async function copyFile(source: string, target: string): Promise<Omit<BackupFile, "path">> {
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await using from = await open(source, "r");
    await using to = await open(target, "wx", 0o600);
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of from.createReadStream({ autoClose: false })) {
      hash.update(chunk);
      bytes += chunk.length;
      await to.writeFile(chunk);
    }
    await to.sync();
    return { bytes, sha256: hash.digest("hex") };
  } catch (thrown) {
    throw fileError(thrown, source);
  }
}
