import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { runChild } from "../child.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { root, type TestGroup } from "./groups.ts";
import { addTallies, emptyTally, type Tally } from "./tally.ts";
import { END_OF_RUN } from "./tally-reporter.ts";

// Ends a group whose process stays alive after its last test.
const GROUP_TIMEOUT_MS = 15 * 60_000;

/** Runs the files with node:test in child processes; prints failures and skips; counts what node reported. */
export async function runTests(group: TestGroup, files: readonly string[]): Promise<Tally> {
  if (files.length === 0) return emptyTally;
  using folder = temporaryFolder("test");
  const tallyFile = join(folder.path, "tally");
  console.log(`tests: ${group.name}, ${files.length} files`);
  const { code, ending, seconds } = await runChild(process.execPath, nodeArguments(group, tallyFile, files), {
    cwd: root,
    timeoutMs: GROUP_TIMEOUT_MS,
    inherit: true,
  });
  const tally = await readTally(tallyFile);
  console.log(`  ${group.name}: ${tally.passed} passed, ${seconds.toFixed(1)} s`);
  if (tally.ended && (code === 0 || tally.failed > 0)) return tally;
  console.log(
    `  ✖ ${group.name}: the test process ended with ${ending}${tally.ended ? "" : " in the middle"}`,
  );
  return addTallies(tally, { passed: 0, failed: 1, skipped: 0 });
}

function nodeArguments(group: TestGroup, tallyFile: string, files: readonly string[]): string[] {
  return [
    "--disable-warning=ExperimentalWarning",
    "--test",
    `--test-isolation=${group.isolation}`,
    `--test-timeout=${group.testTimeoutMs}`,
    // Isolated tests start many processes of their own: leave them half of the processors.
    ...(group.isolation === "process" ? [`--test-concurrency=${Math.ceil(availableParallelism() / 2)}`] : []),
    `--test-reporter=${join(import.meta.dirname, "console-reporter.ts")}`,
    "--test-reporter-destination=stdout",
    `--test-reporter=${join(import.meta.dirname, "tally-reporter.ts")}`,
    `--test-reporter-destination=${tallyFile}`,
    ...files,
  ];
}

async function readTally(file: string): Promise<Tally & { ended: boolean }> {
  // Absent when the process died before its first test.
  const lines = (await readFile(file, "utf8").catch(() => "")).split("\n");
  const count = (kind: string): number => lines.filter((line) => line === kind).length;
  return {
    passed: count("passed"),
    failed: count("failed"),
    skipped: count("skipped"),
    ended: lines.includes(END_OF_RUN),
  };
}
