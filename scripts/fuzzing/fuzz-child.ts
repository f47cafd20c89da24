// Tries one fuzz target; watch-child.ts starts it, watches it and kills it.
//
// Argument: the target's file. Messages in: FuzzRequest, once. Messages out: FuzzMessage.

import { setImmediate } from "node:timers/promises";
import { inspect } from "node:util";
import { type FuzzTarget, fuzz } from "@selvedge/testkit";

export interface FuzzRequest {
  readonly inputs: number;
  readonly from: number;
  /** Says each number before it is tried, not only now and then. */
  readonly everyNumber: boolean;
}

interface FuzzCounts {
  readonly accepted: number;
  readonly refused: number;
  /** At the end: the most there was. */
  readonly residentBytes: number;
}

/** Said before an input is tried. */
export interface FuzzTrying extends FuzzCounts {
  readonly kind: "trying";
  readonly number: number;
}

export interface FuzzDone extends FuzzCounts {
  readonly kind: "done";
  /** `input` in base64. */
  readonly finding?: { readonly number: number; readonly input: string; readonly error: string };
}

export type FuzzMessage = FuzzTrying | FuzzDone;

/** Numbers between two reports: often enough to see a hang, seldom enough to cost nothing. */
const reportEvery = 500;

process.once("message", (request: FuzzRequest) => void run(request));
process.once("disconnect", () => process.exit(1));

async function run({ inputs, from, everyNumber }: FuzzRequest): Promise<void> {
  const { target }: { target: FuzzTarget } = await import(process.argv[2] ?? "");
  const step = everyNumber ? 1 : reportEvery;
  let accepted = 0;
  let refused = 0;
  for (let next = from; next < from + inputs; next += step) {
    const residentBytes = process.memoryUsage.rss();
    process.send?.({ kind: "trying", number: next, accepted, refused, residentBytes } satisfies FuzzMessage);
    // Lets the message out before a decoder may hang, and a decoder's own timers run.
    await setImmediate();
    const report = await fuzz(target, { inputs: Math.min(step, from + inputs - next), from: next });
    accepted += report.accepted;
    refused += report.refused;
    if (report.finding === undefined) continue;
    const { number, input, error } = report.finding;
    const finding = { number, input: Buffer.from(input).toString("base64"), error: inspect(error) };
    return end({ accepted, refused, finding });
  }
  end({ accepted, refused });
}

function end(result: Omit<FuzzDone, "kind" | "residentBytes">): void {
  const residentBytes = process.resourceUsage().maxRSS * 1024;
  process.send?.({ kind: "done", ...result, residentBytes } satisfies FuzzMessage, () =>
    process.disconnect(),
  );
}
