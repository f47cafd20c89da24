import { builtinModules } from "node:module";
import { posix } from "node:path";
import type { Workspace, WorkspacePackage } from "./packages.ts";
import { isTestCode, type SourceFile, type Violation } from "./repository.ts";

// Imports go only to the same or an earlier layer.
const LAYERS = ["core", "io", "services", "apps", "examples"];

/**
 * Checks each import: only declared dependencies, only downward, other packages by name, the testkit only in
 * tests. Test code may also use what devDependencies declare, whatever its layer: it is not shipped.
 */
export function importViolations(files: readonly SourceFile[], workspace: Workspace): Violation[] {
  const { packages } = workspace;
  const byName = new Map(packages.map((entry) => [entry.name, entry]));
  return files.flatMap(({ path, imports }) => {
    const owner = packageOf(path, packages);
    const test = isTestCode(path);
    return imports.flatMap((specifier): Violation[] => {
      const complaint = specifier.startsWith(".")
        ? relativeComplaint(path, specifier, packages)
        : packageComplaint(specifier, owner, byName, workspace, test);
      return complaint === undefined ? [] : [`${path}: imports "${specifier}": ${complaint}`];
    });
  });
}

/** Checks that no package depends on itself through others: sideways dependencies must be acyclic. */
export function dependencyCycles({ packages }: Workspace): Violation[] {
  const byName = new Map(packages.map((entry) => [entry.name, entry]));
  const reaches = (from: WorkspacePackage, target: string, seen: Set<string>): boolean =>
    [...from.dependencies].some((name) => {
      const next = byName.get(name);
      if (next === undefined || seen.has(name)) return false;
      seen.add(name);
      return name === target || reaches(next, target, seen);
    });
  return packages
    .filter((entry) => reaches(entry, entry.name, new Set()))
    .map((entry): Violation => `${entry.folder}/package.json: depends on itself through other packages`);
}

function relativeComplaint(
  path: string,
  specifier: string,
  packages: readonly WorkspacePackage[],
): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  if (packageOf(path, packages) !== packageOf(target, packages)) return "import another package by its name";
  if (isTestCode(target) && !isTestCode(path)) return "shipped code must not import test code";
  return undefined;
}

function packageComplaint(
  specifier: string,
  owner: WorkspacePackage | undefined,
  byName: ReadonlyMap<string, WorkspacePackage>,
  workspace: Workspace,
  test: boolean,
): string | undefined {
  if (specifier.startsWith("node:")) return undefined;
  if (builtinModules.includes(specifier)) return `write "node:${specifier}"`;
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const target = byName.get(name);
  // Folders that are no package (test, scripts, bench) use the root's tools and any workspace package.
  if (owner === undefined) {
    const known = target !== undefined || workspace.devDependencies.has(name);
    return known ? undefined : "declare it in the root's devDependencies";
  }
  if (target === owner) return test ? undefined : "a package must not import itself through its index";
  if (owner.dependencies.has(name)) return target && layerComplaint(owner, target, test);
  if (!test) return `declare it in the dependencies of ${owner.folder}/package.json`;
  if (owner.devDependencies.has(name) || workspace.devDependencies.has(name)) return undefined;
  return `declare it in the devDependencies of ${owner.folder}/package.json`;
}

function layerComplaint(
  owner: WorkspacePackage,
  target: WorkspacePackage,
  test: boolean,
): string | undefined {
  if (owner.layer === "testkit") return undefined;
  if (target.layer === "testkit") return test ? undefined : "the testkit is for tests";
  if (LAYERS.indexOf(target.layer) <= LAYERS.indexOf(owner.layer)) return undefined;
  return `${owner.layer} must not depend on ${target.layer}`;
}

function packageOf(path: string, packages: readonly WorkspacePackage[]): WorkspacePackage | undefined {
  return packages.find(({ folder }) => path.startsWith(`${folder}/`));
}
