import { lstat, mkdir, readFile, readlink, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileError, isThere, writeFileDurably } from "@selvedge/storage";
import type { Terminal } from "../terminal.ts";

/** What a registry's files are to hold: text, or a link to a file that somebody else renews. */
export type TrustFile = { readonly text: string } | { readonly link: string };

/**
 * Where Podman and Docker look for whom to trust: for all users when root
 * writes, otherwise for this user's Podman.
 */
export function trustFolders({ homeFolder, isRoot }: Terminal): readonly string[] {
  if (isRoot) return ["/etc/containers/certs.d", "/etc/docker/certs.d"];
  return [join(homeFolder, ".config/containers/certs.d")];
}

/**
 * Makes Podman and Docker trust a coordinator as a registry, and there show who
 * this machine is (containers-certs.d(5)); what they had of these names is replaced.
 *
 * @param host - HOST:PORT.
 * @param files - by name: `ca.crt`, `client.cert`, `client.key`.
 * @returns the folders that were written.
 * @throws SelvedgeError as `fileError`.
 */
export async function installTrust(
  folders: readonly string[],
  host: string,
  files: Readonly<Record<string, TrustFile>>,
): Promise<readonly string[]> {
  const written = folders.map((folder) => join(folder, host));
  for (const folder of written) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o755 });
      for (const [name, file] of Object.entries(files)) {
        const path = join(folder, name);
        // A link that was there would be written through.
        await rm(path, { force: true });
        if ("link" in file) await symlink(file.link, path);
        else await writeFileDurably(path, file.text);
      }
    } catch (thrown) {
      throw fileError(thrown, folder);
    }
  }
  return written;
}

/**
 * As `installTrust`, for a while.
 *
 * @returns puts back what was there before, and removes what was not.
 */
export async function lendTrust(
  folders: readonly string[],
  host: string,
  files: Readonly<Record<string, TrustFile>>,
): Promise<() => Promise<void>> {
  const before = new Map<string, Readonly<Record<string, TrustFile>> | undefined>();
  for (const folder of folders) before.set(folder, await trustIn(join(folder, host), Object.keys(files)));
  await installTrust(folders, host, files);
  return async () => {
    for (const [folder, had] of before) {
      const lost = had === undefined ? [""] : Object.keys(files).filter((name) => had[name] === undefined);
      for (const name of lost) await rm(join(folder, host, name), { recursive: true, force: true });
      if (had !== undefined) await installTrust([folder], host, had);
    }
  };
}

/** @returns undefined when there is no such folder. */
async function trustIn(
  folder: string,
  names: readonly string[],
): Promise<Readonly<Record<string, TrustFile>> | undefined> {
  if (!(await isThere(folder))) return undefined;
  const files: Record<string, TrustFile> = {};
  for (const name of names) {
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isSymbolicLink()) files[name] = { link: await readlink(path) };
    else if (found !== undefined) files[name] = { text: await readFile(path, "utf8") };
  }
  return files;
}

/** Links to what a device's agent keeps current. */
export function deviceTrust(folder: string): Readonly<Record<string, TrustFile>> {
  return {
    "ca.crt": { link: join(folder, "trust.pem") },
    "client.cert": { link: join(folder, "device.crt") },
    "client.key": { link: join(folder, "device.key") },
  };
}
