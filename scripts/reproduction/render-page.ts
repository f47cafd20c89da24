import type { Cell } from "./cell.ts";
import { readResults } from "./cell-results.ts";

/** docs/reference/reproduction.md, from the results that are committed. */
export function renderPage(cells: readonly Cell[]): string {
  return `# Reproduction of published figures

Made by \`npm run reproduce\` from the files in \`reproduction/\` beside it; do not edit. \`npm run reproduce -- --list\` names the cells,
\`npm run reproduce -- CELL…\` runs some; one that was ended goes on where it was. Each run's whole job file, curve and
time are in the cell's JSON. How the runs are made: [simulate learning](../how-to/simulate.md).

${cells.map(section).join("\n")}`;
}

function section(cell: Cell): string {
  const results = readResults(cell);
  const seconds = Object.values(results?.runs ?? {}).reduce((sum, run) => sum + run.seconds, 0);
  const rows: readonly (readonly [string, string])[] = [
    ["source", cell.source],
    ["published", cell.published],
    ["asked of ours", cell.criterion],
    ["ours", results?.ours ?? "not run yet"],
    ...(results === undefined
      ? []
      : ([
          ["reached", results.isReached ? "yes" : "**no**"],
          ["runs", Object.keys(results.runs).join(", ")],
          ["time", `${seconds} s in all, ${results.machine}, with other work on the machine`],
        ] as const)),
  ];
  return `## ${cell.title}

Cell \`${cell.name}\`.

| | |
|---|---|
${rows.map(([name, text]) => `| ${name} | ${text} |`).join("\n")}
`;
}
