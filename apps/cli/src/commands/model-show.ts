import { findModel } from "../operator/find-model.ts";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { renderFields } from "../output/table.ts";
import { formatBytes } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions, reference: string): Promise<void> {
  const { models, devices } = await withOperator(terminal, options, async ({ client, call }) => ({
    models: (await client.listModels({}, call)).models,
    devices: (await client.listDevices({}, call)).devices,
  }));
  const model = findModel(models, reference);
  const serving = devices
    .filter(({ models: installed }) =>
      installed.some((one) => one.serving && one.name === model.name && one.version === model.version),
    )
    .map(({ id, name }) => ({ id, name }));
  if (options.json) return writeJson(terminal.stdout, { model, serving });
  terminal.stdout.write(
    renderFields([
      ["model", `${model.name}@${model.version}`],
      ["state", model.current ? "current" : "superseded"],
      ["job", model.job],
      ["digest", model.blob?.digest ?? ""],
      ["size", formatBytes(model.blob?.length ?? 0n)],
      ["served by", `${serving.length} of ${devices.length} devices`],
    ]),
  );
}
