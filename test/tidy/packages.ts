import { type RepositoryFile, readFiles } from "./repository.ts";

/** A workspace package, as its package.json declares it. */
export interface WorkspacePackage {
  readonly name: string;
  /** Its folder, relative to the root: `core/protocol`. */
  readonly folder: string;
  /** The first folder: `core`, `io`, `services`, `apps` or `testkit`. */
  readonly layer: string;
  readonly dependencies: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
}

export interface Workspace {
  readonly packages: readonly WorkspacePackage[];
  /** Of the root: tools and libraries that any test may use. */
  readonly devDependencies: ReadonlySet<string>;
}

export function readWorkspace(): Workspace {
  const [rootManifest] = readFiles("package.json");
  if (rootManifest === undefined) throw new Error("package.json is missing from the repository's root.");
  return {
    packages: [...readFiles("*/*/package.json"), ...readFiles("testkit/package.json")].map(workspacePackage),
    devDependencies: workspacePackage(rootManifest).devDependencies,
  };
}

function workspacePackage({ path, text }: RepositoryFile): WorkspacePackage {
  const manifest = JSON.parse(text) as Manifest;
  const folder = path.replace(/\/?package\.json$/, "");
  return {
    name: manifest.name,
    folder,
    layer: folder.split("/")[0] ?? "",
    dependencies: new Set(
      Object.keys({
        ...manifest.dependencies,
        ...manifest.optionalDependencies,
        ...manifest.peerDependencies,
      }),
    ),
    devDependencies: new Set(Object.keys(manifest.devDependencies ?? {})),
  };
}

interface Manifest {
  name: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}
