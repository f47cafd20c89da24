import { type FuzzCut, watchChild } from "./watch-child.ts";

export interface FuzzRange {
  readonly inputs: number;
  /** Number of the first input. */
  readonly from: number;
}

export interface FuzzOutcome {
  readonly target: string;
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
  readonly residentMiB: number;
  /** What is wrong with the decoder, and how to see it again. */
  readonly finding?: string;
}

/** After a cut each of so many inputs is told before it is tried: more than between two reports. */
const closerInputs = 1_000;

/**
 * Tries one target, and where it hangs, grows or takes its process along, looks for the input that does it.
 *
 * @param file - the target's
 */
export async function tryTarget(
  target: string,
  file: string,
  { inputs, from }: FuzzRange,
  watch: typeof watchChild = watchChild,
): Promise<FuzzOutcome> {
  const started = performance.now();
  const again = (range: FuzzRange): string =>
    `\n  again: npm run fuzz -- ${target} --inputs ${range.inputs} --from ${range.from}`;
  const explain = async (cut: FuzzCut): Promise<string> => {
    const closer = await watch(file, { inputs: closerInputs, from: cut.last.number, everyNumber: true });
    if ("why" in closer) return closer.why + again({ inputs: 1, from: closer.last.number });
    // It takes all that came before, too.
    return `${cut.why} after ${cut.last.number - from} inputs or soon after${again({ inputs, from })}`;
  };
  const end = await watch(file, { inputs, from, everyNumber: false });
  const { accepted, refused, residentBytes } = "why" in end ? end.last : end;
  const outcome = {
    target,
    inputs: accepted + refused,
    accepted,
    refused,
    seconds: (performance.now() - started) / 1_000,
    residentMiB: Math.round(residentBytes / 1_048_576),
  };
  if ("why" in end) return { ...outcome, finding: await explain(end) };
  if (end.finding === undefined) return outcome;
  const { number, input, error } = end.finding;
  const shown = input.length > 400 ? "" : `\n  input, base64: ${input}`;
  return { ...outcome, finding: error + shown + again({ inputs: 1, from: number }) };
}
