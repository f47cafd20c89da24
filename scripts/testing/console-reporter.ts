import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { inspect, stripVTControlCharacters } from "node:util";
import { root } from "./groups.ts";
import { createOutcomeReader, type Outcome } from "./outcome.ts";

const OUTPUT_CHARACTERS_MAX = 64 * 1024;

/** Reporter for people: each failure in full, each skip with its reason, what a failing file printed; nothing else. */
export default async function* consoleReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const read = createOutcomeReader();
  const printed = new Map<string, string>();
  const failing = new Set<string>();
  for await (const event of source) {
    if (event.type === "test:stdout" || event.type === "test:stderr") {
      const { file = "", message } = event.data;
      printed.set(file, `${printed.get(file) ?? ""}${message}`.slice(-OUTPUT_CHARACTERS_MAX));
    }
    const outcome = read(event);
    if (outcome?.kind === "failed") failing.add(outcome.file);
    if (outcome !== undefined) yield describe(outcome);
    if (outcome?.kind === "failed" && outcome.name === outcome.file) yield output(outcome.file, printed);
    // Only files that run in their own process have a summary with their name, and output apart from others'.
    if (event.type === "test:summary" && event.data.file !== undefined) {
      const { file, counts, duration_ms } = event.data;
      if (failing.has(file)) yield output(file, printed);
      yield `  ${failing.has(file) ? "✖" : "✔"} ${place(file)}: ${counts.tests} tests, ${seconds(duration_ms)}\n`;
      printed.delete(file);
    }
  }
}

function describe({ kind, name, file, reason, error }: Outcome): string {
  if (kind === "passed") return "";
  if (kind === "skipped") return `  − skipped: ${name} (${place(file)}): ${reason}\n`;
  const headline = `  ✖ ${name === file ? "the file as a whole" : name} (${place(file)})\n`;
  if (error === undefined) return headline;
  // node:test wraps what a test threw; of a file that crashed it knows the exit code.
  const thrown = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = typeof thrown === "string" ? thrown : inspect(thrown, { depth: 4 });
  return `${headline}${indent(stripVTControlCharacters(text))}\n`;
}

function output(file: string, printed: ReadonlyMap<string, string>): string {
  return `    output of ${place(file)}:\n${indent(printed.get(file) ?? "(none)")}\n`;
}

function place(file: string): string {
  return relative(root, file);
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, "      ");
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
