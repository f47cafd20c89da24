// Fails when the committed code is not what `npm run generate` makes of proto/.

import { globSync } from "node:fs";
import { join } from "node:path";
import { endChildrenOnSignal, runChild } from "./child.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { root } from "./testing/groups.ts";

const TIMEOUT_MS = 60_000;

endChildrenOnSignal();
using fresh = temporaryFolder("generated");
await run("buf", [join(root, "node_modules/.bin/buf"), "generate", "--output", fresh.path]);
for (const folder of new Set([...generated(root), ...generated(fresh.path)])) {
  await run("diff", ["diff", "--recursive", "--brief", join(root, folder), join(fresh.path, folder)]);
}

function generated(folder: string): string[] {
  return globSync("{core,io,services,apps}/*/src/gen", { cwd: folder });
}

async function run(name: string, [program = "", ...args]: readonly string[]): Promise<void> {
  const { code, ending, output } = await runChild(program, args, { cwd: root, timeoutMs: TIMEOUT_MS });
  if (code === 0) return;
  console.log(`${name} ended with ${ending}; run npm run generate and commit what changed.\n${output}`);
  process.exitCode = 1;
}
