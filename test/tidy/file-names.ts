import { posix } from "node:path";
import type { SourceFile, Violation } from "./repository.ts";

const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*$/;
// A name that says nothing collects everything.
const VAGUE = ["utils", "util", "helpers", "helper", "common", "misc"];

/** kebab-case names that say something; `index.ts` only as a package's public face, never used from inside. */
export function nameViolations(files: readonly Pick<SourceFile, "path" | "imports">[]): Violation[] {
  return files.flatMap(({ path, imports }): Violation[] => {
    const words = path.split(/[/.]/);
    const ugly = words.filter((word) => word !== "" && !KEBAB_CASE.test(word));
    const vague = words.filter((word) => VAGUE.includes(word));
    const isIndex = posix.basename(path) === "index.ts";
    return [
      ...ugly.map((word): Violation => `${path}: "${word}" is not kebab-case`),
      ...vague.map((word): Violation => `${path}: "${word}" says nothing: name it after what it holds`),
      ...(isIndex && !/^([a-z]+\/[a-z-]+|testkit)\/src\/index\.ts$/.test(path)
        ? [`${path}: index.ts stands only at a package's src root` as const]
        : []),
      ...imports
        .filter((specifier) => /^\.{1,2}\/(.*\/)?index\.(ts|js)$/.test(specifier))
        .map((specifier): Violation => `${path}: imports "${specifier}": import the file that defines it`),
    ];
  });
}
