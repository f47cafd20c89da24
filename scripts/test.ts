// npm test: everything. The last line is "N passed, N failed, N skipped"; a tool that fails counts as failed.
//
//   npm test -- --only GROUP                 the tests of one group (see testing/groups.ts), without the tools
//   npm test -- core/onnx test/tidy.test.ts  the tests in these folders and files, without the tools
//   npm run promises                         everything, and docs/reference/promises.md from it

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { endChildrenOnSignal } from "./child.ts";
import { conclude } from "./testing/conclude.ts";
import { type TestGroup, testFiles, testGroups } from "./testing/groups.ts";
import { writePromises } from "./testing/promises.ts";
import { runTests, type TestResult } from "./testing/run-tests.ts";
import { runTools } from "./tools.ts";

endChildrenOnSignal();
const { groups, paths, promises } = parse(process.argv.slice(2));
const everything = groups.length === testGroups.length && paths.length === 0;
const toolsFailed = everything ? await runTools() : 0;
const results: TestResult[] = [];
for (const group of groups) results.push(...(await runTests(group, testFiles(group, paths))));
if (promises) await writePromises(results);
conclude(results, toolsFailed);

function parse(args: string[]): { groups: readonly TestGroup[]; paths: string[]; promises: boolean } {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { only: { type: "string" }, promises: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const groups = testGroups.filter(({ name }) => values.only === undefined || name === values.only);
    if (groups.length === 0)
      throw new Error(`--only takes ${testGroups.map(({ name }) => name).join(", ")}.`);
    // npm runs scripts in the root; INIT_CWD is where the user typed.
    const typedIn = process.env.INIT_CWD ?? process.cwd();
    const paths = positionals.map((path) => resolve(typedIn, path));
    if (values.promises && (groups.length < testGroups.length || paths.length > 0)) {
      throw new Error("--promises reports on all tests: leave out --only and paths.");
    }
    return { groups, paths, promises: values.promises };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(64);
  }
}
