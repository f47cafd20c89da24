/** The parts of package-lock.json (lockfileVersion 3) that the scripts read. */
export interface Lockfile {
  packages: Record<string, LockfileEntry>;
}

export interface LockfileEntry {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

/** Optional packages that a locked package asks for and the lockfile has no entry of: `npm ci` refuses those. */
export function missingOptionalPackages(
  lockfile: Lockfile,
): { name: string; version: string; dev: boolean }[] {
  return Object.entries(lockfile.packages).flatMap(([path, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !(`node_modules/${name}` in lockfile.packages))
      .filter(([name]) => !(`${path}/node_modules/${name}` in lockfile.packages))
      .map(([name, version]) => ({ name, version, dev: entry.dev === true })),
  );
}
