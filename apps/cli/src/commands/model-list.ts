import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { type Column, renderTable } from "../output/table.ts";
import { formatBytes } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions): Promise<void> {
  const { models } = await withOperator(terminal, options, ({ client, call }) => client.listModels({}, call));
  if (options.json) return writeJson(terminal.stdout, { models });
  if (models.length === 0) {
    terminal.stderr.write(`no models yet; release one: ${terminal.command} release JOB\n`);
    return;
  }
  const rows = models.map((model) => [
    `${model.name}@${model.version}`,
    model.current ? "current" : "",
    formatBytes(model.blob?.length ?? 0n),
    model.job,
    model.blob?.digest ?? "",
  ]);
  terminal.stdout.write(renderTable(columns, rows));
}

const columns: readonly Column[] = [
  { title: "MODEL" },
  { title: "STATE" },
  { title: "SIZE", align: "right" },
  { title: "JOB" },
  { title: "DIGEST" },
];
