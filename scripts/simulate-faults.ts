// npm run simulate-faults -- --seeds 1000 --from 1
//
// Runs one job of a fleet of six processes under faults, once a seed; see testkit/src/simulator. A broken promise
// ends it with the seed, the promise and what happened. One seed alone with --trace prints its history anyway.

import { parseArgs } from "node:util";
import { simulateFleet } from "@selvedge/testkit";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
  },
});
const from = wholeNumber("--from", values.from);
const seeds = wholeNumber("--seeds", values.seeds);
let rounds = 0;
let contributions = 0;
let faults = 0;
for (let seed = from; seed < from + seeds; seed += 1) {
  const report = await simulateFleet({ seed });
  rounds += report.roundsCompleted;
  contributions += report.contributions;
  for (const count of report.faults.values()) faults += count;
  if (report.violations.length > 0 || values.trace) console.log(report.trace.join("\n"));
  if (report.violations.length === 0) continue;
  console.error(
    `seed ${seed} breaks ${report.violations.length} promises:\n  ${report.violations.join("\n  ")}`,
  );
  console.error(`again: npm run simulate-faults -- --seeds 1 --from ${seed}`);
  process.exit(1);
}
console.log(
  `${seeds} seeds from ${from}: ${rounds} rounds completed with ${contributions} contributions, ${faults} faults, nothing broken`,
);

function wholeNumber(name: string, text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  console.error(`${name} takes a whole number, not "${text}"`);
  process.exit(64);
}
