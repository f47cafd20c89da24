import { globSync } from "node:fs";
import { join, resolve, sep } from "node:path";

export const root: string = resolve(import.meta.dirname, "../..");

const MINUTE_MS = 60_000;

export interface TestGroup {
  readonly name: string;
  readonly patterns: readonly string[];
  /** "none": files share a process, one for each processor; "process": each has its own. */
  readonly isolation: "none" | "process";
  /** A test that takes longer hangs: far above what any needs on a slow, busy machine. */
  readonly testTimeoutMs: number;
}

/** In the order in which `npm test` runs them. A test file outside these patterns fails test/tidy. */
export const testGroups: readonly TestGroup[] = [
  {
    name: "unit",
    patterns: [
      "{core,apps}/*/src/**/*.test.ts",
      "io/!(runtime)/src/**/*.test.ts",
      "services/!(inference|simulator)/src/**/*.test.ts",
      "testkit/src/{fixtures,fuzz,simulator}/**/*.test.ts",
      "scripts/**/*.test.ts",
      "test/tidy.test.ts",
      "test/tidy/**/*.test.ts",
    ],
    isolation: "none",
    testTimeoutMs: 2 * MINUTE_MS,
  },
  {
    // What loads ONNX Runtime, much of it in processes of its own: longer than `npm run check` may take.
    name: "runtime",
    patterns: ["io/runtime/src/**/*.test.ts", "services/{inference,simulator}/src/**/*.test.ts"],
    isolation: "none",
    testTimeoutMs: 2 * MINUTE_MS,
  },
  {
    // Databases and processes that start: longer than `npm run check` may take.
    name: "contracts",
    patterns: ["testkit/src/contracts/**/*.test.ts"],
    isolation: "none",
    testTimeoutMs: 2 * MINUTE_MS,
  },
  {
    name: "fuzz",
    patterns: ["test/fuzz/**/*.test.ts"],
    isolation: "process",
    testTimeoutMs: 10 * MINUTE_MS,
  },
  {
    name: "simulation",
    patterns: ["test/simulation/**/*.test.ts"],
    isolation: "process",
    testTimeoutMs: 10 * MINUTE_MS,
  },
  {
    name: "conformance",
    patterns: ["test/conformance/**/*.test.ts"],
    isolation: "process",
    testTimeoutMs: 10 * MINUTE_MS,
  },
  {
    name: "e2e",
    patterns: ["test/e2e/**/*.test.ts"],
    isolation: "process",
    testTimeoutMs: 10 * MINUTE_MS,
  },
];

/** Absolute paths of a group's test files, sorted; only those at or under one of `only`, if any is given. */
export function testFiles(group: TestGroup, only: readonly string[] = []): string[] {
  return globSync(group.patterns, { cwd: root, exclude: (path) => path.includes("node_modules") })
    .map((path) => join(root, path))
    .filter((file) => only.length === 0 || only.some((path) => file === path || file.startsWith(path + sep)))
    .sort();
}
