import { readFile, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { runChild } from "../child.ts";
import { root } from "./groups.ts";
import type { TestResult } from "./run-tests.ts";
import { type SpecRule, specRules } from "./spec.ts";

export interface TestRun {
  readonly results: readonly TestResult[];
  /** As "2026-11-24". */
  readonly date: string;
  readonly commit: string;
  readonly platform: string;
}

/** Writes docs/reference/promises.md from a run of all tests. */
export async function writePromises(results: readonly TestResult[]): Promise<void> {
  const { output } = await runChild("git", ["describe", "--always", "--dirty=, with changes"], {
    cwd: root,
    timeoutMs: 10_000,
  });
  const page = promisesPage(specRules(await readFile(join(root, "core/protocol/SPEC.md"), "utf8")), {
    results,
    date: new Date().toISOString().slice(0, 10),
    commit: output.trim(),
    platform: `Node ${process.versions.node} on ${process.platform} ${process.arch}`,
  });
  await writeFile(join(root, "docs/reference/promises.md"), page);
}

/** docs/reference/promises.md: every rule, the tests that carry it, and how they ended in one run of them all. */
export function promisesPage(rules: readonly SpecRule[], run: TestRun): string {
  const sections = [...new Set(rules.map(({ section }) => section))];
  return [
    "# Promises",
    "",
    "Every rule of [the protocol](../../core/protocol/SPEC.md), the tests that carry its id, and how they ended. Made by",
    "`npm run promises`, which runs all tests and writes this page; do not edit it.",
    "",
    `Last run: ${run.date}, commit ${run.commit}, ${run.platform}.`,
    ...sections.flatMap((section) => [
      "",
      `## ${section}`,
      "",
      "| id | promise | tests | last result |",
      "|---|---|---|---|",
      ...rules.filter((rule) => rule.section === section).map((rule) => row(rule, run.results)),
    ]),
    "",
  ].join("\n");
}

function row({ id, text }: SpecRule, results: readonly TestResult[]): string {
  const carrying = results.filter(({ name }) => name.includes(`[${id}]`));
  const files = [...new Set(carrying.map(({ file }) => relative(root, file).split(sep).join("/")))].sort();
  const ended = (["passed", "failed", "skipped"] as const)
    .map((kind) => ({ kind, count: carrying.filter((result) => result.kind === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${kind}`);
  // Named, not linked: the page is of one run, and files may move after it.
  const tests = files.map((file) => `\`${file}\``).join("<br>");
  return `| ${id} | ${text.replaceAll("|", "\\|")} | ${tests} | ${ended.join(", ") || "not run"} |`;
}
