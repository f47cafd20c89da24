import { resolve } from "node:path";
import { StrategyFolder } from "@selvedge/coordinator";
import { coordinatorFolder } from "../folders.ts";
import { writeJson } from "../output/json.ts";
import type { GlobalOptions, Terminal } from "../terminal.ts";

export interface StrategyOptions extends GlobalOptions {
  readonly state?: string;
}

export async function run(terminal: Terminal, options: StrategyOptions, from: string): Promise<void> {
  const strategies = new StrategyFolder(coordinatorFolder(terminal, options.state));
  const installed = await strategies.install(resolve(terminal.workingFolder, from));
  if (options.json) return writeJson(terminal.stdout, { ...installed });
  const { name, version, digest } = installed;
  terminal.stdout.write(`${digest}\n`);
  terminal.stderr.write(
    `${name} ${version} is installed. In a job file:\nserver: { name: strategy, digest: "${digest}" }\n`,
  );
}
