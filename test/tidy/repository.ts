import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/testing/groups.ts";
import { blankComments, blankStrings } from "./source-text.ts";

/** A text file of the repository. */
export interface RepositoryFile {
  /** Relative to the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** A TypeScript or JavaScript file that people wrote. */
export interface SourceFile extends RepositoryFile {
  /** The text with comments blanked out. */
  readonly code: string;
  /** Module specifiers, in order: static and dynamic imports, re-exports, types. */
  readonly imports: readonly string[];
}

/** What a checker reports: the file, and what is wrong with it and what to do instead. */
export type Violation = `${string}: ${string}`;

/** Code that runs only in tests: it may use the testkit, the clock and development dependencies. */
export function isTestCode(path: string): boolean {
  return /\.(test|fixture|fuzz)\.ts$/.test(path) || /^(test|testkit)\//.test(path);
}

export function sourceFile(path: string, text: string): SourceFile {
  const code = blankComments(text);
  // Biome writes specifiers in double quotes: what stands in single ones is code quoted in a test.
  const imports = [...blankStrings(code, "'").matchAll(IMPORT)].map((match) => match[1] ?? "");
  return { path, text, code, imports };
}

export function readSourceFiles(): SourceFile[] {
  return readFiles("**/*.{ts,mjs}").map(({ path, text }) => sourceFile(path, text));
}

/** The repository's files that match, without installed, built, generated and hidden ones. */
export function readFiles(pattern: string): RepositoryFile[] {
  return globSync(pattern, { cwd: root, exclude: isExcluded })
    .filter((path) => !isExcluded(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

function isExcluded(path: string): boolean {
  return path.split("/").some((part) => ["node_modules", "dist", "gen", "coverage"].includes(part));
}

const IMPORT = /(?:^(?:import|export)\b[^"'`;=]*?\bfrom\s*|^import\s*|\bimport\(\s*)"([^"\n]+)"/gm;
