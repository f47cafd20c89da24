import { isTestCode, type RepositoryFile, type Violation } from "./repository.ts";

// A ratchet: these go down when the largest file does, never up. (Functions: biome.json.)
const SOURCE_LINES_MAX = 400;
const TEST_LINES_MAX = 600;

export function sizeViolations(files: readonly RepositoryFile[]): Violation[] {
  return files.flatMap(({ path, text }): Violation[] => {
    const lines = text.split("\n").length - 1;
    const limit = isTestCode(path) ? TEST_LINES_MAX : SOURCE_LINES_MAX;
    return lines > limit ? [`${path}: ${lines} lines, more than ${limit}: split it by concept`] : [];
  });
}
