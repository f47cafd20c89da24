// Adds to package-lock.json the optional packages of other platforms that npm left out.
//
// A registry mirror may carry only the packages of some platforms. `npm install` then writes a lockfile
// without the rest, and `npm ci` refuses it on every machine. Version and platform are known without the
// registry: the version is pinned by the package that asks for it, the platform is in the name.
//
// Usage: npm run complete-lockfile   (after npm install added a package with per-platform binaries)

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lockfile, missingOptionalPackages } from "./lockfile.ts";

const OSES = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];
const CPUS: Readonly<Record<string, string>> = {
  aarch64: "arm64",
  arm: "arm",
  arm64: "arm64",
  armv7: "arm",
  ia32: "ia32",
  loong64: "loong64",
  mips64el: "mips64el",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  x64: "x64",
};

const file = join(import.meta.dirname, "../package-lock.json");
const lockfile = JSON.parse(readFileSync(file, "utf8")) as Lockfile;
const missing = missingOptionalPackages(lockfile);

for (const { name, version, dev } of missing) {
  const { cpu, libc, os } = platformOf(name);
  // The order of keys in which npm writes them, so that its next rewrite changes nothing.
  const entry = { version, cpu, ...(dev && { dev }), ...(libc && { libc }), optional: true, os };
  lockfile.packages[`node_modules/${name}`] = entry;
}
if (missing.length > 0) {
  const sorted = Object.entries(lockfile.packages).sort(([a], [b]) => a.localeCompare(b, "en"));
  lockfile.packages = Object.fromEntries(sorted);
  writeFileSync(file, `${JSON.stringify(lockfile, undefined, 2)}\n`);
}
console.log(`package-lock.json: added ${missing.length} optional packages of other platforms.`);

function platformOf(name: string): { os: string[]; cpu: string[]; libc?: string[] } {
  const words = name.split(/[-/]/);
  const os = words.find((word) => OSES.includes(word));
  const cpu = words.map((word) => CPUS[word]).find((found) => found !== undefined);
  if (os === undefined || cpu === undefined) {
    throw new Error(
      `The platform of ${name} cannot be told from its name: add it to package-lock.json by hand.`,
    );
  }
  const platform = { cpu: [cpu], os: [os] };
  if (words.some((word) => word.startsWith("musl"))) return { ...platform, libc: ["musl"] };
  return words.some((word) => word.startsWith("gnu")) ? { ...platform, libc: ["glibc"] } : platform;
}
