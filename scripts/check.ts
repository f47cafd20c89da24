// npm run check: the tools and the unit tests, in under a minute.

import { endChildrenOnSignal } from "./child.ts";
import { conclude } from "./testing/conclude.ts";
import { testFiles, testGroups } from "./testing/groups.ts";
import { runTests } from "./testing/run-tests.ts";
import { runTools } from "./tools.ts";

endChildrenOnSignal();
const toolsFailed = await runTools();
const results = [];
for (const group of testGroups.filter(({ name }) => name === "unit")) {
  results.push(...(await runTests(group, testFiles(group))));
}
conclude(results, toolsFailed);
