import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RoundPoint } from "@selvedge/simulator";
import { runChild } from "../child.ts";
import { root } from "../testing/groups.ts";
import type { Variant } from "./cell.ts";

export interface VariantRun {
  readonly points: readonly RoundPoint[];
  /** Of this call; 0 = it was there already. */
  readonly seconds: number;
}

/**
 * Simulates, or goes on where an earlier call was ended.
 *
 * @param folder where its job file, data and results lie
 * @throws Error with what the simulation said when it does not come to an end
 */
export async function runVariant({ job, options }: Variant, folder: string): Promise<VariantRun> {
  mkdirSync(folder, { recursive: true });
  const jobPath = join(folder, "job.yaml");
  writeFileSync(jobPath, job);
  const out = join(folder, "run");
  const command = [join(root, "apps/cli/src/main.ts"), "simulate", jobPath, "--out", out, "--json"];
  const { ending, output, seconds } = await runChild(
    process.execPath,
    [...process.execArgv, ...command, ...options(folder)],
    { cwd: root, timeoutMs: dayMs },
  );
  // A job may fail: a mean that is attacked diverges.
  if (!output.includes('"type":"result"'))
    throw new Error(`${folder}: the simulation ended with ${ending}\n${output.slice(-2_000)}`);
  const points = readFileSync(join(out, "rounds.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RoundPoint)
    .toSorted((a, b) => a.round - b.round);
  const isNew = output.includes('"type":"round"');
  return { points, seconds: isNew ? seconds : 0 };
}

const dayMs = 86_400_000;
