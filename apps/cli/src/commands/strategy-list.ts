import { StrategyFolder } from "@selvedge/coordinator";
import { coordinatorFolder } from "../folders.ts";
import { writeJson } from "../output/json.ts";
import { renderTable } from "../output/table.ts";
import type { Terminal } from "../terminal.ts";
import type { StrategyOptions } from "./strategy-install.ts";

export async function run(terminal: Terminal, options: StrategyOptions): Promise<void> {
  const strategies = await new StrategyFolder(coordinatorFolder(terminal, options.state)).list();
  if (options.json) return writeJson(terminal.stdout, { strategies });
  if (strategies.length === 0) {
    terminal.stderr.write(`no strategies yet; install one: ${terminal.command} strategy install PACKAGE\n`);
    return;
  }
  const rows = strategies.map(({ name, version, digest }) => [name, version, digest]);
  terminal.stdout.write(renderTable([{ title: "NAME" }, { title: "VERSION" }, { title: "DIGEST" }], rows));
}
