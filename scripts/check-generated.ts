// Fails when the committed code is not what `npm run generate` makes of proto/.

import { globSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChild } from "./child.ts";
import { root } from "./testing/groups.ts";

const TIMEOUT_MS = 60_000;

const fresh = await mkdtemp(join(tmpdir(), "selvedge-generated-"));
try {
  await run("buf", [join(root, "node_modules/.bin/buf"), "generate", "--output", fresh]);
  for (const folder of new Set([...generated(root), ...generated(fresh)])) {
    await run("diff", ["diff", "--recursive", "--brief", join(root, folder), join(fresh, folder)]);
  }
} finally {
  await rm(fresh, { recursive: true, force: true });
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
