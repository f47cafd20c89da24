import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions, id: string): Promise<void> {
  const { job } = await withOperator(terminal, options, ({ client, call }) =>
    client.cancelJob({ job: id }, call),
  );
  if (options.json) return writeJson(terminal.stdout, { job });
  terminal.stdout.write(`job ${id} ${job?.status}\n`);
}
