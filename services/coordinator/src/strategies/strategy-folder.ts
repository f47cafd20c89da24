import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { type Digest, digestOf, isDigest, limits, SelvedgeError } from "@selvedge/protocol";
import { ifThere, writeFileDurably } from "@selvedge/storage";
import { tryStrategy } from "./strategy-process.ts";

/** A strategy that plans may name. */
export interface InstalledStrategy {
  readonly digest: Digest;
  /** Of its package. */
  readonly name: string;
  readonly version: string;
}

/** The strategies that the operator of a coordinator has installed: a folder for each digest, never changed. */
export class StrategyFolder {
  readonly #path: string;

  /** @param folder the coordinator's; nothing is made in it before something is installed */
  constructor(folder: string) {
    this.#path = join(folder, "strategies");
  }

  /**
   * Takes a package: a folder whose package.json has `name`, `version` and, as `main`, one file of
   * JavaScript or TypeScript without imports. It is tried before it counts as installed; the same
   * again changes nothing.
   *
   * @throws SelvedgeError `not_found` or `invalid_argument` naming the file, and as `tryStrategy`
   */
  async install(packageFolder: string): Promise<InstalledStrategy> {
    const { name, version, main } = await readManifest(packageFolder);
    const module = join(packageFolder, main);
    const bytes = await readModule(module);
    const digest = digestOf(bytes);
    const target = this.#folderOf(digest);
    const there = await this.#read(digest);
    if (there !== undefined) return there.installed;
    const made = `${target}.${randomUUID()}.part`;
    await mkdir(made, { recursive: true, mode: 0o700 });
    try {
      const file = `strategy${extname(main)}`;
      await writeFileDurably(join(made, file), bytes);
      await tryStrategy(join(made, file)).catch((thrown: unknown) => {
        throw inFile(module, SelvedgeError.from(thrown));
      });
      const manifest = { name, version, main: file, type: "module" };
      await writeFileDurably(join(made, "package.json"), `${JSON.stringify(manifest)}\n`);
      await rename(made, target);
    } finally {
      await rm(made, { recursive: true, force: true });
    }
    return { digest, name, version };
  }

  /** In the order of their names. */
  async list(): Promise<InstalledStrategy[]> {
    const entries = (await ifThere(this.#path, readdir(this.#path))) ?? [];
    const digests = entries.map((entry) => `sha256:${entry}`).filter(isDigest);
    const found = await Promise.all(digests.map((digest) => this.#read(digest)));
    const installed = found.flatMap((strategy) => (strategy === undefined ? [] : [strategy.installed]));
    return installed.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Where the module of a plan is. @throws SelvedgeError `not_found`; `corrupt` when it was changed */
  async pathOf(digest: string): Promise<string> {
    const found = isDigest(digest) ? await this.#read(digest) : undefined;
    if (found === undefined) {
      throw new SelvedgeError("not_found", `no strategy ${digest} is installed`, {
        at: "plan.server_optimizer.strategy",
        fix: "install it in the folder of the coordinator, on its machine: selvedge strategy install PACKAGE [--state DIR]",
      });
    }
    if (digestOf(await readModule(found.path)) === digest) return found.path;
    throw new SelvedgeError("corrupt", `the strategy is not the one that was installed`, { at: found.path });
  }

  #folderOf(digest: Digest): string {
    return join(this.#path, digest.slice("sha256:".length));
  }

  async #read(digest: Digest): Promise<{ installed: InstalledStrategy; path: string } | undefined> {
    const folder = this.#folderOf(digest);
    if ((await ifThere(folder, stat(folder))) === undefined) return undefined;
    const { name, version, main } = await readManifest(folder);
    return { installed: { digest, name, version }, path: join(folder, main) };
  }
}

/** The file that was given, in place of the copy that was tried. */
function inFile(file: string, { code, message, at = "strategy", fix, cause }: SelvedgeError): SelvedgeError {
  const details = { at: at.replace(/^strategy/, file), ...(fix !== undefined && { fix }) };
  return new SelvedgeError(code, message, { ...details, cause });
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly main: string;
}

async function readManifest(folder: string): Promise<Manifest> {
  const at = join(folder, "package.json");
  const bytes = await ifThere(at, readFile(at, "utf8"));
  if (bytes === undefined) {
    throw new SelvedgeError("not_found", "there is no package here", {
      at,
      fix: "give the folder of the strategy's package",
    });
  }
  const { name, version, main } = parse(bytes, at);
  const isSound =
    typeof name === "string" && name.length <= 214 && typeof version === "string" && version.length <= 64;
  if (isSound && typeof main === "string" && /^(?:\.\/)?[\w.-]+\.(?:js|mjs|ts|mts)$/.test(main))
    return { name, version, main };
  throw new SelvedgeError("invalid_argument", "a strategy's package has a name, a version and a main file", {
    at,
    fix: nameFile,
  });
}

function parse(text: string, at: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch (cause) {
    throw new SelvedgeError("invalid_argument", "is no JSON", { at, cause });
  }
}

async function readModule(path: string): Promise<Uint8Array> {
  const found = await ifThere(path, stat(path));
  if (found === undefined)
    throw new SelvedgeError("not_found", "there is no such file", { at: path, fix: nameFile });
  if (found.size > limits.strategyBytesMax) {
    throw new SelvedgeError("too_large", `${found.size} bytes, at most ${limits.strategyBytesMax}`, {
      at: path,
    });
  }
  return readFile(path);
}

const nameFile = 'let "main" of package.json be one file beside it: .js, .mjs, .ts or .mts';
