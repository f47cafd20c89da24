import type { TestEvent } from "node:test/reporters";
import { createOutcomeReader } from "./outcome.ts";

/** Marks a run whose reporter saw every test end: without it, the process died underway. */
export const END_OF_RUN = "end";

/** Reporter for run-tests.ts: a line for each test that ended (its kind), then the mark of the end. */
export default async function* tallyReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const read = createOutcomeReader();
  for await (const event of source) {
    const outcome = read(event);
    if (outcome !== undefined) yield `${outcome.kind}\n`;
  }
  yield `${END_OF_RUN}\n`;
}
