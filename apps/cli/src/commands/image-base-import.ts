import { resolve } from "node:path";
import { importRuntime, OciLayout } from "@selvedge/registry";
import { withOperator } from "../operator/operator-session.ts";
import { runtimeRepository } from "../operator/runtime-repository.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

/** Gives the coordinator a runtime from OCI layouts. */
export async function run(
  terminal: Terminal,
  options: OperatorOptions,
  layouts: readonly string[],
): Promise<void> {
  const sources = layouts.map((layout) => new OciLayout(resolve(terminal.workingFolder, layout)));
  await withOperator(terminal, options, async (session) => {
    const { descriptor } = await importRuntime(sources, runtimeRepository(session), "latest");
    const { digest } = descriptor;
    if (options.json) return writeJson(terminal.stdout, { digest });
    terminal.stdout.write(`releases are made on ${digest} from now on\n`);
  });
}
