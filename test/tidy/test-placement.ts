import { matchesGlob } from "node:path";
import type { TestGroup } from "../../scripts/testing/groups.ts";
import type { RepositoryFile, Violation } from "./repository.ts";

/** A test file that no group of `npm test` names would never run. */
export function unplacedTests(
  files: readonly Pick<RepositoryFile, "path">[],
  groups: readonly TestGroup[],
): Violation[] {
  const patterns = groups.flatMap((group) => group.patterns);
  return files
    .filter(({ path }) => /\.test\.\w+$/.test(path))
    .filter(({ path }) => !patterns.some((pattern) => matchesGlob(path, pattern)))
    .map(({ path }): Violation => `${path}: npm test runs no such file: see scripts/testing/groups.ts`);
}
