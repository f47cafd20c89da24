import { join } from "node:path";
import { runChild } from "./child.ts";
import { root } from "./testing/groups.ts";

const TOOL_TIMEOUT_MS = 5 * 60_000;

interface Tool {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
}

const bin = (program: string): string => join(root, "node_modules/.bin", program);

/** What `npm run check` runs beside the unit tests. Independent of each other. */
const tools: readonly Tool[] = [
  {
    name: "biome",
    command: [bin("biome"), "ci", "--colors=off", "--error-on-warnings", "--max-diagnostics=200"],
  },
  { name: "tsc", command: [bin("tsc"), "-b", "--pretty", "false"] },
  { name: "knip", command: [bin("knip"), "--no-progress", "--no-config-hints"] },
  { name: "buf lint", command: [bin("buf"), "lint"] },
  { name: "buf breaking", command: [bin("buf"), "breaking", "--against", "proto/released.binpb"] },
  { name: "generated code", command: [process.execPath, join(root, "scripts/check-generated.ts")] },
];

/** Runs all tools side by side; a line for each with its seconds, and the output of those that fail. Returns how many did. */
export async function runTools(): Promise<number> {
  const results = await Promise.all(
    tools.map(async ({ name, command: [program, ...args] }) => {
      const { code, ending, output, seconds } = await runChild(program, args, {
        cwd: root,
        timeoutMs: TOOL_TIMEOUT_MS,
      });
      const passed = code === 0;
      console.log(`${passed ? "✔" : "✖"} ${name}, ${seconds.toFixed(1)} s${passed ? "" : `: ${ending}`}`);
      if (!passed) console.log(output.trimEnd().replaceAll(/^/gm, "    "));
      return passed;
    }),
  );
  return results.filter((passed) => !passed).length;
}
