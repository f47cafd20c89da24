import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import type { RoundPoint } from "@selvedge/simulator";
import { root } from "../testing/groups.ts";
import type { Cell, Verdict } from "./cell.ts";

/** What is committed of a cell. */
export interface CellResults extends Verdict {
  readonly cell: string;
  readonly machine: string;
  readonly runs: Readonly<Record<string, RunResults>>;
}

export interface RunResults {
  /** The whole job file. */
  readonly job: string;
  /** Wall clock over all calls that it took. */
  readonly seconds: number;
  /** By round, from 1: accuracy and loss of the evaluation. */
  readonly accuracy: readonly (number | null)[];
  readonly loss: readonly (number | null)[];
}

/** Where results are committed. */
const resultsFolder: string = join(root, "docs/reference/reproduction");

export function readResults({ name }: Pick<Cell, "name">): CellResults | undefined {
  try {
    return JSON.parse(readFileSync(join(resultsFolder, `${name}.json`), "utf8")) as CellResults;
  } catch {
    return undefined;
  }
}

export function writeResults(results: CellResults): void {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(join(resultsFolder, `${results.cell}.json`), `${JSON.stringify(results)}\n`);
}

export function runResults(job: string, points: readonly RoundPoint[], seconds: number): RunResults {
  const curve = (metric: string): (number | null)[] =>
    points.map(({ evaluation }) => {
      const value = evaluation[metric];
      return value === undefined ? null : Number(value.toPrecision(6));
    });
  return { job, seconds: Math.round(seconds), accuracy: curve("accuracy"), loss: curve("loss") };
}

export function thisMachine(): string {
  return `${availableParallelism()} x ${cpus()[0]?.model ?? "unknown"}`;
}
