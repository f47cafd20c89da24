import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Why the sources of this commit cannot be had here; undefined when they can. */
export function missing(commit: string): string | undefined {
  const { status } = spawnSync("git", ["-C", root, "cat-file", "-e", `${commit}^{commit}`]);
  return status === 0 ? undefined : `this checkout has no git history that reaches back to ${commit}`;
}

/** The sources of an earlier commit in a folder of their own, ready to run. */
export class EarlierSources implements Disposable {
  readonly root: string;

  /** Its own workspace packages, and today's of everybody else: those are pinned to versions by few commits. */
  constructor(commit: string) {
    this.root = mkdtempSync(join(tmpdir(), "selvedge-earlier-"));
    const archive = execFileSync("git", ["-C", root, "archive", commit], { maxBuffer: archiveBytesMax });
    execFileSync("tar", ["-x", "-C", this.root], { input: archive });
    this.#linkOthers();
    this.#linkOwn();
  }

  /** Where a package is loaded from when the earlier sources import it. */
  resolve(name: string): string {
    const script = `process.stdout.write(import.meta.resolve(${JSON.stringify(name)}))`;
    const cwd = join(this.root, "apps/cli");
    return execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
      cwd,
      encoding: "utf8",
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #linkOthers(): void {
    mkdirSync(join(this.root, "node_modules"));
    for (const name of readdirSync(join(root, "node_modules"))) {
      if (name.startsWith(".") || ownNames.includes(name)) continue;
      symlinkSync(join(root, "node_modules", name), join(this.root, "node_modules", name));
    }
  }

  #linkOwn(): void {
    const { workspaces } = readJson(join(this.root, "package.json"));
    const patterns = (workspaces ?? []).map((workspace) => `${workspace}/package.json`);
    for (const path of globSync(patterns, { cwd: this.root })) {
      const link = join(this.root, "node_modules", readJson(join(this.root, path)).name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(this.root, dirname(path)), link);
    }
  }
}

interface PackageJson {
  readonly name: string;
  readonly workspaces?: readonly string[];
}

function readJson(path: string): PackageJson {
  return JSON.parse(readFileSync(path, "utf8")) as PackageJson;
}

const root: string = join(import.meta.dirname, "../../..");
/** What workspace packages are called: a scope, and the command. */
const ownNames: readonly string[] = ["@selvedge", "selvedge"];
const archiveBytesMax = 256 * 1_048_576;
