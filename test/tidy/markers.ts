import type { RepositoryFile, Violation } from "./repository.ts";

// Written so that this file does not find itself.
const MARKER = new RegExp(
  `\\b(${["TO", "FIX", "XX"].map((start, index) => start + ["DO", "ME", "X"][index]).join("|")})\\b`,
);

/** What is left to do is an issue, not a comment. */
export function markerViolations(files: readonly RepositoryFile[]): Violation[] {
  return files.flatMap(({ path, text }) =>
    text
      .split("\n")
      .flatMap((line, index): Violation[] =>
        MARKER.test(line) ? [`${path}:${index + 1}: leftover marker`] : [],
      ),
  );
}
