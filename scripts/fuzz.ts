// npm run fuzz -- [TARGET...] [--inputs N] [--from N] [--list] [--json]
//
// Feeds every decoder of outside input (each `x.fuzz.ts` beside its `x.ts`) with hostile inputs, each in a process of
// its own. A crash, an error nobody planned, a hang or too much memory is reported with the number of the input that
// shows it again, and ends with exit code 1. Input N of a target is always the same.

import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { type FuzzOutcome, tryTarget } from "./fuzzing/try-target.ts";
import { root } from "./testing/groups.ts";
import { wholeNumber } from "./whole-number.ts";

const { values, positionals } = parseArgs({
  options: {
    inputs: { type: "string", default: "10000" },
    from: { type: "string", default: "0" },
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const files = targetFiles(positionals);
if (values.list) {
  console.log([...files.keys()].join("\n"));
  process.exit(0);
}
const inputs = wholeNumber("--inputs", values.inputs);
const from = wholeNumber("--from", values.from);
const outcomes: FuzzOutcome[] = [];
for (const [target, file] of files) {
  const outcome = await tryTarget(target, file, { inputs, from });
  outcomes.push(outcome);
  if (!values.json) console.log(lineOf(outcome));
}
if (values.json) console.log(JSON.stringify(outcomes));
if (outcomes.some(({ finding }) => finding !== undefined)) process.exitCode = 1;

function lineOf(outcome: FuzzOutcome): string {
  const { target, inputs: tried, accepted, refused, seconds, residentMiB, finding } = outcome;
  const counts = `${tried} inputs, ${accepted} accepted, ${refused} refused`;
  const line = `${target.padEnd(24)} ${counts}, ${seconds.toFixed(1)} s, at most ${residentMiB} MiB`;
  return finding === undefined ? line : `${line}\n  FOUND: ${finding}`;
}

function targetFiles(names: readonly string[]): ReadonlyMap<string, string> {
  const found = globSync("{core,io,services,apps}/*/src/**/*.fuzz.ts", { cwd: root }).sort();
  const byName = new Map(found.map((path) => [basename(path, ".fuzz.ts"), join(root, path)]));
  const unknown = names.find((name) => !byName.has(name));
  if (unknown !== undefined) {
    console.error(`no target "${unknown}"; there are: ${[...byName.keys()].join(", ")}`);
    process.exit(64);
  }
  return names.length === 0 ? byName : new Map([...byName].filter(([name]) => names.includes(name)));
}
