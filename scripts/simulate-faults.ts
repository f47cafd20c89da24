// npm run simulate-faults -- --seeds 1000 --from 1
//
// Runs a fleet of production code under seeded faults, once a seed, in a thread a processor; see
// testkit/src/simulator. The first broken promise ends it with the seed, the promise and what led to it, and exit
// code 1; with --all it goes on and lists every such seed. One seed alone with --trace prints its whole history.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { readableTrace, type SeedOutcome, simulateFleet, simulateSeeds } from "@selvedge/testkit";
import { wholeNumber } from "./whole-number.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    workers: { type: "string", default: String(availableParallelism()) },
    all: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
  },
});
const from = wholeNumber("--from", values.from);
const count = wholeNumber("--seeds", values.seeds);
const workers = wholeNumber("--workers", values.workers);
const startedAt = performance.now();
const progress = { done: 0, broken: 0 };

if (values.trace) console.log((await simulateFleet({ seed: from })).trace.join("\n"));
const outcomes = await simulateSeeds({ from, count, workers, onOutcome });
if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
const summary = summarise();
if (values.json) console.log(JSON.stringify(summary));
else await report();
process.exitCode = summary.failing.length === 0 ? 0 : 1;

function onOutcome({ seed, violations }: SeedOutcome): boolean {
  progress.done += 1;
  const isBroken = violations.length > 0;
  if (isBroken) progress.broken += 1;
  if (isBroken && values.all) process.stderr.write(`seed ${seed}: ${violations[0]}\n`);
  showProgress();
  return !isBroken || values.all;
}

/** A bar on a terminal, a line now and then in a log. */
function showProgress(): void {
  const text = `${progress.done}/${count} seeds, ${progress.broken} broken`;
  if (!process.stderr.isTTY) {
    if (progress.done % 500 === 0) process.stderr.write(`${text}\n`);
    return;
  }
  const width = 40;
  const done = Math.floor((width * progress.done) / count);
  process.stderr.write(`\r\x1b[K${"█".repeat(done)}${"░".repeat(width - done)} ${text}`);
}

function summarise() {
  const faults: Record<string, number> = {};
  for (const outcome of outcomes) {
    for (const [kind, times] of outcome.faults) faults[kind] = (faults[kind] ?? 0) + times;
  }
  const jobs = outcomes.flatMap((outcome) => outcome.jobs);
  return {
    from,
    seeds: outcomes.length,
    devices: sum(outcomes.map(({ devices }) => devices)),
    jobs: jobs.length,
    jobsCompleted: jobs.filter(({ status }) => status === "completed").length,
    roundsCompleted: sum(jobs.map(({ roundsCompleted }) => roundsCompleted)),
    contributions: sum(jobs.map(({ contributions }) => contributions)),
    faults,
    cpuMsPerSeed: Math.round(sum(outcomes.map(({ cpuMs }) => cpuMs)) / Math.max(1, outcomes.length)),
    seconds: Math.round((performance.now() - startedAt) / 1_000),
    failing: outcomes.flatMap(({ seed, violations }) => (violations.length > 0 ? { seed, violations } : [])),
  };
}

async function report(): Promise<void> {
  const { contributions, devices, faults, jobs, jobsCompleted, roundsCompleted } = summary;
  const [first] = summary.failing;
  if (first !== undefined) await explain(first.seed);
  console.log(
    `${outcomes.length} seeds from ${from}: ${devices} devices, ${jobsCompleted} of ${jobs} jobs and ` +
      `${roundsCompleted} rounds completed with ${contributions} contributions; ${summary.cpuMsPerSeed} ms a seed`,
  );
  const struck = Object.entries(faults).map(([kind, times]) => `${kind} ${times}`);
  console.log(`faults: ${struck.join(", ")}`);
  if (first === undefined) console.log("no promise broken");
  else console.log(`broken: ${summary.failing.map(({ seed }) => seed).join(", ")}`);
}

/** Equal seeds give equal histories: it is run again for its trace. */
async function explain(seed: number): Promise<void> {
  const again = await simulateFleet({ seed });
  console.error(`seed ${seed}, ${again.devices} devices: what led to the first broken promise\n`);
  console.error(readableTrace(again).join("\n"));
  const shown = again.violations.slice(0, 20).join("\n  ");
  console.error(`\nseed ${seed} breaks ${again.violations.length} promises:\n  ${shown}`);
  console.error(`all of it: npm run simulate-faults -- --seeds 1 --from ${seed} --trace\n`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
