// npm run check: the tools and the unit tests, in under a minute.

import { endChildrenOnSignal } from "./child.ts";
import { testFiles, testGroups } from "./testing/groups.ts";
import { runTests } from "./testing/run-tests.ts";
import { addTallies, conclude, emptyTally } from "./testing/tally.ts";
import { runTools } from "./tools.ts";

endChildrenOnSignal();
let tally = { ...emptyTally, failed: await runTools() };
for (const group of testGroups.filter(({ name }) => name === "unit")) {
  tally = addTallies(tally, await runTests(group, testFiles(group)));
}
conclude(tally);
