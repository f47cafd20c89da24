import type { TestEvent } from "node:test/reporters";
import { createOutcomeReader } from "./outcome.ts";

/** Marks a run whose reporter saw every test end: without it, the process died underway. */
export const END_OF_RUN = "end";

/** Reporter for run-tests.ts: a TestResult in JSON for each test that ended, a line each, then the mark of the end. */
export default async function* resultsReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const read = createOutcomeReader();
  for await (const event of source) {
    const outcome = read(event);
    if (outcome === undefined) continue;
    const { kind, name, file } = outcome;
    yield `${JSON.stringify({ kind, name, file })}\n`;
  }
  yield `${END_OF_RUN}\n`;
}
