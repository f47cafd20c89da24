import packageJson from "../../package.json" with { type: "json" };
import { writeJson } from "../output/json.ts";
import type { GlobalOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, { json }: GlobalOptions): Promise<void> {
  const { version } = packageJson;
  const { platform, arch } = process;
  const node = process.versions.node;
  if (json) return writeJson(terminal.stdout, { version, node, platform, arch });
  terminal.stdout.write(`selvedge ${version} (Node ${node}, ${platform} ${arch})\n`);
}
