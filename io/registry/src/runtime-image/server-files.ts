import { readdir, readFile, realpath } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import { ifThere, isThere } from "@selvedge/storage";
import type { TarEntry } from "../oci/tar-archive.ts";

export interface ServerFiles {
  /** Of the package to run. */
  readonly name: string;
  /** The package and all it depends on, as it is laid out in the image. */
  readonly code: readonly TarEntry[];
  /** ONNX Runtime's own files for the architecture. */
  readonly native: readonly TarEntry[];
  /** Where those come from. */
  readonly nativeFiles: readonly string[];
}

/** Folder of all packages within the image, without the leading slash. */
export const packagesFolder = "opt/selvedge/node_modules";

/**
 * The files that a package needs when it runs. Our own TypeScript becomes
 * JavaScript, because Node reads TypeScript nowhere below `node_modules`; tests,
 * types and source maps stay behind, licences go along.
 *
 * @param packageFolder - of the package to run.
 * @param architecture - "amd64" or "arm64".
 * @throws SelvedgeError `not_found` for a dependency that is not installed.
 */
export async function serverFiles(packageFolder: string, architecture: string): Promise<ServerFiles> {
  const packages = await closure(packageFolder);
  const entries: TarEntry[] = [];
  const native: TarEntry[] = [];
  const nativeFiles: string[] = [];
  const cpu = architecture === "amd64" ? "x64" : architecture;
  for (const { folder, name, isOurs } of packages) {
    for (const file of await filesIn(folder, folder)) {
      const path = relative(folder, file);
      if (!isOurs && path.startsWith("bin/") && !path.includes(`linux/${cpu}/`)) continue;
      const content = await readFile(file);
      const source = isOurs ? javaScript(path, content) : { path, content };
      if (isNative(file)) nativeFiles.push(file);
      const entry = { ...source, path: `${packagesFolder}/${name}/${source.path}`, mode: 0o644 };
      (isNative(file) ? native : entries).push(entry);
    }
  }
  return { name: packages[0]?.name ?? "", code: entries, native, nativeFiles };
}

interface InstalledPackage {
  readonly name: string;
  /** Real, without links. */
  readonly folder: string;
  /** Part of this repository rather than installed. */
  readonly isOurs: boolean;
}

/** Every package that is reached by `dependencies`, each once: npm installs ours without two versions of one. */
async function closure(packageFolder: string): Promise<readonly InstalledPackage[]> {
  const found = new Map<string, InstalledPackage>();
  const visit = async (folder: string): Promise<void> => {
    const { name, dependencies } = await manifestOf(folder);
    if (found.has(name)) return;
    found.set(name, { name, folder, isOurs: !folder.includes("/node_modules/") });
    for (const dependency of Object.keys(dependencies)) {
      if (!installOnly.has(dependency)) await visit(await locate(dependency, folder));
    }
  };
  await visit(await realpath(packageFolder));
  return [...found.values()];
}

async function locate(name: string, from: string): Promise<string> {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (await isThere(join(candidate, "package.json"))) return await realpath(candidate);
    if (folder === dirname(folder)) break;
  }
  throw new SelvedgeError("not_found", `the package ${name} is not installed`, {
    at: from,
    fix: "run npm ci",
  });
}

async function manifestOf(
  folder: string,
): Promise<{ readonly name: string; readonly dependencies: Readonly<Record<string, string>> }> {
  const { name, dependencies = {} } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  return { name, dependencies };
}

/** Files that count, of the package at `root`; what is installed within a package is another package. */
async function filesIn(folder: string, root: string): Promise<readonly string[]> {
  const entries = (await ifThere(folder, readdir(folder, { withFileTypes: true }))) ?? [];
  const files = entries.map(async (entry): Promise<readonly string[]> => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return leftOutFolders.has(entry.name) ? [] : await filesIn(path, root);
    return entry.isFile() && isWanted(entry.name) ? [path] : [];
  });
  return (await Promise.all(files)).flat();
}

/** A source, or a package.json, without types: every line and column stays where it was. */
function javaScript(
  path: string,
  content: Uint8Array,
): { readonly path: string; readonly content: Uint8Array } {
  if (!/\.(ts|json)$/.test(path)) return { path, content };
  const text = Buffer.from(content).toString("utf8");
  const source = path.endsWith(".ts") ? stripTypeScriptTypes(text) : text;
  const renamed = source.replaceAll(/(["'])(\.{1,2}\/[^"'\n]+)\.ts\1/g, "$1$2.js$1");
  return { path: jsName(path), content: Buffer.from(renamed) };
}

/** What a TypeScript file is called in the image. */
export function jsName(path: string): string {
  return path.replace(/\.ts$/, ".js");
}

function isWanted(name: string): boolean {
  if (/^(licen[cs]e|notice|copying|thirdparty)/i.test(name)) return true;
  if (/\.(test|fixture|fuzz|property)\.[cm]?[jt]s$|\.d\.[cm]?ts$/.test(name)) return false;
  return /\.([cm]?[jt]s|json|node|proto)$|\.so(\.\d+)*$/.test(name);
}

function isNative(path: string): boolean {
  return /\.node$|\.so(\.\d+)*$/.test(path);
}

/** What ONNX Runtime's package only wants while it is installed. */
const installOnly: ReadonlySet<string> = new Set(["adm-zip", "global-agent"]);
const leftOutFolders: ReadonlySet<string> = new Set([
  "node_modules",
  "test",
  "tests",
  "docs",
  "example",
  "examples",
]);
