import type { TestEvent } from "node:test/reporters";

/** How one test ended, as `npm test` counts it. */
export interface Outcome {
  readonly kind: "passed" | "failed" | "skipped";
  /** The names of the enclosing suites and of the test, joined by " > ". */
  readonly name: string;
  readonly file: string;
  /** Why it was skipped, as its author wrote it. */
  readonly reason?: string;
  /** What it threw; absent where a nested test tells it already. */
  readonly error?: unknown;
}

/** A reader of node:test's events, in their order; gives an outcome for each event that ends a test. */
export function createOutcomeReader(): (event: TestEvent) => Outcome | undefined {
  const namesByFile = new Map<string, string[]>();
  return (event) => {
    if (event.type === "test:start") {
      const { file = "", nesting, name } = event.data;
      const enclosing = namesByFile.get(file)?.slice(0, nesting) ?? [];
      namesByFile.set(file, [...enclosing, name]);
    }
    if (event.type !== "test:pass" && event.type !== "test:fail") return undefined;
    const { file = "", nesting, name } = event.data;
    const names = [...(namesByFile.get(file)?.slice(0, nesting) ?? []), name];
    return outcomeOf(event, names.join(" > "), file);
  };
}

function outcomeOf(
  event: Extract<TestEvent, { type: "test:pass" | "test:fail" }>,
  name: string,
  file: string,
): Outcome | undefined {
  const { details, skip, todo } = event.data;
  const error = event.type === "test:fail" ? event.data.details.error : undefined;
  const nestedTold = failureType(error) === "subtestsFailed";
  // A suite is a heading, not a test; but its own failure (in a hook, in its body) must count, and its skip, for of
  // the tests in it nothing is heard then.
  if (details.type === "suite" && !isSet(skip) && (error === undefined || nestedTold)) return undefined;
  // A todo never fails in node:test, whatever it throws: it is a test that is not there yet.
  if (isSet(todo)) return { kind: "skipped", name, file, reason: reasonOf(todo, "todo") };
  if (error !== undefined) return { kind: "failed", name, file, ...(!nestedTold && { error }) };
  if (isSet(skip)) return { kind: "skipped", name, file, reason: reasonOf(skip, "no reason given") };
  // node:test passes a file that defines no test, under the file's own name.
  if (name === file) return { kind: "failed", name, file, error: "The file defines no test." };
  return { kind: "passed", name, file };
}

function failureType(error: unknown): unknown {
  return error instanceof Error && "failureType" in error ? error.failureType : undefined;
}

function isSet(flag: string | boolean | undefined): flag is string | true {
  return flag !== undefined && flag !== false;
}

function reasonOf(flag: string | true, absent: string): string {
  return flag === true || flag === "" ? absent : flag;
}
