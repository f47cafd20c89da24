// npm test: everything. The last line is "N passed, N failed, N skipped"; a tool that fails counts as failed.
//
//   npm test -- --only unit|fuzz|simulation|conformance|e2e    the tests of one group, without the tools
//   npm test -- core/onnx test/tidy.test.ts               the tests in these folders and files, without the tools

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { endChildrenOnSignal } from "./child.ts";
import { type TestGroup, testFiles, testGroups } from "./testing/groups.ts";
import { runTests } from "./testing/run-tests.ts";
import { addTallies, conclude, emptyTally } from "./testing/tally.ts";
import { runTools } from "./tools.ts";

endChildrenOnSignal();
const { groups, paths } = parse(process.argv.slice(2));
const everything = groups.length === testGroups.length && paths.length === 0;
let tally = { ...emptyTally, failed: everything ? await runTools() : 0 };
for (const group of groups) tally = addTallies(tally, await runTests(group, testFiles(group, paths)));
conclude(tally);

function parse(args: string[]): { groups: readonly TestGroup[]; paths: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { only: { type: "string" } },
      allowPositionals: true,
    });
    const groups = testGroups.filter(({ name }) => values.only === undefined || name === values.only);
    if (groups.length === 0)
      throw new Error(`--only takes ${testGroups.map(({ name }) => name).join(", ")}.`);
    // npm runs scripts in the root; INIT_CWD is where the user typed.
    const typedIn = process.env.INIT_CWD ?? process.cwd();
    return { groups, paths: positionals.map((path) => resolve(typedIn, path)) };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(64);
  }
}
