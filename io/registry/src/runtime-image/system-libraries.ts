import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError, ifThere } from "@selvedge/storage";
import { type ElfFile, readElf } from "./elf-file.ts";

export interface LibrariesOptions {
  /** Programs and libraries to run. */
  readonly files: readonly string[];
  /** Where the libraries are looked for: "/", or a folder with another machine's. */
  readonly systemRoot: string;
}

export interface Libraries {
  /** Of all that was read, as Go names it. */
  readonly architecture: string;
  /** By path within the image, without the leading slash. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * The loader and every library that these files need, directly or through
 * others: what `ldd` names, found without running anything, so that it works
 * for another architecture. Those beside a file that asks for them are not
 * repeated.
 *
 * @throws SelvedgeError `not_found` for a library that is nowhere, `unsupported` for musl's loader or for files of
 *   different architectures
 */
export async function systemLibraries({ files, systemRoot }: LibrariesOptions): Promise<Libraries> {
  const found = new Map<string, Uint8Array>();
  const seen = new Set<string>();
  let architecture = "";
  const visit = async (path: string, bytes: Uint8Array): Promise<void> => {
    const elf = readElf(bytes, path);
    if (architecture !== "" && elf.architecture !== architecture)
      throw mixed(path, elf.architecture, architecture);
    architecture = elf.architecture;
    const loader = elf.interpreter;
    if (loader !== undefined) await visitLibrary(loader.slice(1));
    for (const name of elf.needed) {
      if (seen.has(name)) continue;
      seen.add(name);
      if (await isBeside(elf, name, path)) continue;
      await visitLibrary(await locate(name, elf.architecture, systemRoot, path));
    }
  };
  const visitLibrary = async (path: string): Promise<void> => {
    if (found.has(path)) return;
    const source = join(systemRoot, path);
    const bytes = await readFile(source).catch((cause: unknown) => {
      throw new SelvedgeError("not_found", `the library is not on this system`, { at: source, cause });
    });
    found.set(path, bytes);
    await visit(source, bytes);
  };
  for (const file of files) await visit(file, await readProgram(file));
  return { architecture, files: found };
}

async function readProgram(path: string): Promise<Uint8Array> {
  return await readFile(path).catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
}

/** Whether the file brings the library along. */
async function isBeside({ runPath }: ElfFile, name: string, path: string): Promise<boolean> {
  const folders = runPath.map((folder) => folder.replace(/^\$(ORIGIN|\{ORIGIN\})/, dirname(path)));
  for (const folder of folders) {
    const file = join(folder, name);
    if ((await ifThere(file, readFile(file))) !== undefined) return true;
  }
  return false;
}

/** @returns the path without its leading slash. */
async function locate(name: string, architecture: string, systemRoot: string, by: string): Promise<string> {
  for (const folder of foldersOf(architecture)) {
    const path = join(folder, name);
    const source = join(systemRoot, path);
    const bytes = await ifThere(source, readFile(source));
    if (bytes !== undefined && readElf(bytes, source).architecture === architecture) return path;
  }
  throw new SelvedgeError("not_found", `there is no ${name} for ${architecture} on this system`, {
    at: by,
    fix: "install it, or give a folder that has it: --system-root",
  });
}

/** Where the loaders of Debian, Fedora and Arch look. */
function foldersOf(architecture: string): readonly string[] {
  const triplet = architecture === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  return [`lib/${triplet}`, `usr/lib/${triplet}`, "lib64", "usr/lib64", "lib", "usr/lib"];
}

function mixed(at: string, one: string, other: string): SelvedgeError {
  return new SelvedgeError("unsupported", `a file for ${one} beside files for ${other}`, {
    at,
    fix: "give Node and libraries of one architecture: --node, --system-root",
  });
}
