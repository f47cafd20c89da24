// npm run reproduce -- [CELL…] [--list] [--all] [--page] [--folder DIR]
//
// Simulates published federated learning figures, writes what came of them to docs/reference/reproduction/, and the page
// docs/reference/reproduction.md. A call that was ended goes on where it was: each simulation has its checkpoint in
// --folder. Without names it runs the cells that take minutes; --all also those that take hours; --page only writes the
// page. Exits with 1 when a figure is not reached.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endChildrenOnSignal } from "./child.ts";
import type { Cell } from "./reproduction/cell.ts";
import { readResults, runResults, thisMachine, writeResults } from "./reproduction/cell-results.ts";
import { cells } from "./reproduction/cells.ts";
import { renderPage } from "./reproduction/render-page.ts";
import { runVariant } from "./reproduction/run-variant.ts";
import { root } from "./testing/groups.ts";

endChildrenOnSignal();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    page: { type: "boolean", default: false },
    folder: { type: "string", default: join(root, "node_modules/.cache/reproduction") },
  },
});

if (values.list) list();
else if (values.page) writePage();
else await reproduce(chosen());

function list(): void {
  for (const cell of cells) {
    const ours = readResults(cell)?.ours ?? "not run yet";
    console.log(
      `${cell.name}${cell.isLong ? " (hours)" : ""}: ${cell.title}\n  published: ${cell.published}\n  ours: ${ours}`,
    );
  }
}

function chosen(): readonly Cell[] {
  if (positionals.length === 0) return cells.filter((cell) => values.all || !cell.isLong);
  const unknown = positionals.filter((name) => cells.every((cell) => cell.name !== name));
  if (unknown.length > 0) {
    console.error(
      `there is no cell ${unknown.join(", ")}; there are: ${cells.map(({ name }) => name).join(", ")}`,
    );
    process.exit(2);
  }
  return cells.filter(({ name }) => positionals.includes(name));
}

async function reproduce(some: readonly Cell[]): Promise<void> {
  for (const cell of some) {
    const isReached = await run(cell);
    if (!isReached) process.exitCode = 1;
    writePage();
  }
}

function writePage(): void {
  writeFileSync(join(root, "docs/reference/reproduction.md"), renderPage(cells));
}

async function run(cell: Cell): Promise<boolean> {
  const before = readResults(cell)?.runs ?? {};
  const runs = new Map();
  const results: Record<string, ReturnType<typeof runResults>> = {};
  for (const variant of cell.variants) {
    console.log(`${cell.name} ${variant.name}`);
    const { points, seconds } = await runVariant(variant, join(values.folder, cell.name, variant.name));
    runs.set(variant.name, points);
    const spent = seconds === 0 ? (before[variant.name]?.seconds ?? 0) : seconds;
    results[variant.name] = runResults(variant.job, points, spent);
  }
  const verdict = cell.judge(runs);
  writeResults({ cell: cell.name, machine: thisMachine(), ...verdict, runs: results });
  console.log(`${cell.name}: ${verdict.ours}: ${verdict.isReached ? "reached" : "not reached"}`);
  return verdict.isReached;
}
