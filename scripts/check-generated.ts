// Fails when the committed code is not what `npm run generate` makes of proto/.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChild } from "./child.ts";
import { root } from "./testing/groups.ts";

const OUTPUT = "core/protocol/src/gen";
const TIMEOUT_MS = 60_000;

const fresh = await mkdtemp(join(tmpdir(), "selvedge-generated-"));
try {
  await run("buf", [join(root, "node_modules/.bin/buf"), "generate", "--output", fresh]);
  await run("diff", ["diff", "--recursive", "--brief", join(root, OUTPUT), join(fresh, OUTPUT)]);
} finally {
  await rm(fresh, { recursive: true, force: true });
}

async function run(name: string, [program = "", ...args]: readonly string[]): Promise<void> {
  const { code, ending, output } = await runChild(program, args, { cwd: root, timeoutMs: TIMEOUT_MS });
  if (code === 0) return;
  console.log(`${name} ended with ${ending}; run npm run generate and commit ${OUTPUT}.\n${output}`);
  process.exitCode = 1;
}
