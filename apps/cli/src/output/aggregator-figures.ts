import type { AggregatorSpec, Round } from "@selvedge/protocol";

/** What a plan's aggregator is, as in a job file: "zeroing, clipping, mean". */
export function aggregatorText({ name, blocks }: AggregatorSpec): string {
  return [...blocks.map((block) => block.name), name === "weighted-mean" ? "mean" : name].join(", ");
}

/** What the aggregator's blocks measured in a round: a title and the figure. */
export function aggregatorFigures({ measurements }: Round): readonly (readonly [string, string])[] {
  return titles.flatMap(([name, title]) => {
    const value = measurements[name];
    return value === undefined ? [] : [[title, Number(value.toPrecision(4)).toString()] as const];
  });
}

const titles: readonly (readonly [name: string, title: string])[] = [
  ["zeroing.zeroed", "zeroed"],
  ["clipping.bound", "clip at"],
  ["clipping.clipped", "clipped"],
  // Rules stand last, behind their blocks, by which they are nested.
  ...["krum", "multi-krum", "bulyan", "norm-filter"].map((rule) => [`${rule}.leftOut`, "left out"] as const),
];
