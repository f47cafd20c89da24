import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { runChild } from "../child.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { root, type TestGroup } from "./groups.ts";
import type { Outcome } from "./outcome.ts";
import { END_OF_RUN } from "./results-reporter.ts";

// Ends a group whose process stays alive after its last test.
const GROUP_TIMEOUT_MS = 25 * 60_000;

export type TestResult = Pick<Outcome, "kind" | "name" | "file">;

/** Runs the files with node:test in child processes; prints failures and skips; returns what node reported. */
export async function runTests(group: TestGroup, files: readonly string[]): Promise<readonly TestResult[]> {
  if (files.length === 0) return [];
  console.log(`tests: ${group.name}, ${files.length} files`);
  const started = performance.now();
  // Tests that share a process run one after the other: a process for each processor.
  const shares = group.isolation === "none" ? dealt(files, availableParallelism()) : [files];
  const results = (await Promise.all(shares.map((share) => runShare(group, share)))).flat();
  const passed = results.filter(({ kind }) => kind === "passed").length;
  const seconds = (performance.now() - started) / 1_000;
  console.log(`  ${group.name}: ${passed} passed, ${seconds.toFixed(1)} s`);
  return results;
}

async function runShare(group: TestGroup, files: readonly string[]): Promise<readonly TestResult[]> {
  using folder = temporaryFolder("test");
  const resultsFile = join(folder.path, "results");
  const options = { cwd: root, timeoutMs: GROUP_TIMEOUT_MS, inherit: true };
  const { code, ending } = await runChild(
    process.execPath,
    nodeArguments(group, resultsFile, files),
    options,
  );
  const { results, ended } = await readResults(resultsFile);
  if (ended && (code === 0 || results.some(({ kind }) => kind === "failed"))) return results;
  const how = `the test process ended with ${ending}${ended ? "" : " in the middle"}`;
  console.log(`  ✖ ${group.name}: ${how}`);
  return [...results, { kind: "failed", name: how, file: "" }];
}

/** Neighbours, which often take alike, go to different hands. */
function dealt(files: readonly string[], hands: number): readonly (readonly string[])[] {
  return Array.from({ length: Math.min(hands, files.length) }, (_, hand) =>
    files.filter((_file, index) => index % hands === hand),
  );
}

function nodeArguments(group: TestGroup, resultsFile: string, files: readonly string[]): string[] {
  return [
    "--disable-warning=ExperimentalWarning",
    "--test",
    `--test-isolation=${group.isolation}`,
    `--test-timeout=${group.testTimeoutMs}`,
    // Isolated tests wait for their own processes more than they compute: one for each processor, not one fewer.
    ...(group.isolation === "process" ? [`--test-concurrency=${availableParallelism()}`] : []),
    `--test-reporter=${join(import.meta.dirname, "console-reporter.ts")}`,
    "--test-reporter-destination=stdout",
    `--test-reporter=${join(import.meta.dirname, "results-reporter.ts")}`,
    `--test-reporter-destination=${resultsFile}`,
    ...files,
  ];
}

async function readResults(file: string): Promise<{ results: TestResult[]; ended: boolean }> {
  // Absent when the process died before its first test.
  const lines = (await readFile(file, "utf8").catch(() => "")).split("\n");
  // The last line may be cut short when the process died.
  const results = lines.filter((line) => line.startsWith("{") && line.endsWith("}"));
  return { results: results.map((line) => JSON.parse(line)), ended: lines.includes(END_OF_RUN) };
}
