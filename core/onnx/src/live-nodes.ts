import type { Value } from "./operator.ts";
import type { TapeEntry } from "./tape.ts";

/** The nodes that one of the results depends on, in the order they run. */
export function liveNodes(tape: readonly TapeEntry[], results: readonly Value[]): TapeEntry[] {
  const needed = new Set(results.map((value) => value.name));
  const live = tape.toReversed().filter((node) => {
    if (!node.outputs.some((output) => needed.has(output.name))) return false;
    for (const input of node.inputs) if (input !== undefined) needed.add(input.name);
    return true;
  });
  return live.reverse();
}
