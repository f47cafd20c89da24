import { findModel } from "../operator/find-model.ts";
import { findImage, type ModelImage } from "../operator/model-image.ts";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { renderFields } from "../output/table.ts";
import { formatBytes } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions, reference: string): Promise<void> {
  const { model, devices, image } = await withOperator(terminal, options, async (session) => {
    const { call, client } = session;
    const model = findModel((await client.listModels({}, call)).models, reference);
    const { devices } = await client.listDevices({}, call);
    return { model, devices, image: await findImage(session, model) };
  });
  const serving = devices
    .filter(({ models: installed }) =>
      installed.some((one) => one.serving && one.name === model.name && one.version === model.version),
    )
    .map(({ id, name }) => ({ id, name }));
  if (options.json) return writeJson(terminal.stdout, { model, serving, image: image ?? null });
  terminal.stdout.write(
    renderFields([
      ["model", `${model.name}@${model.version}`],
      ["state", model.current ? "current" : "superseded"],
      ["job", model.job],
      ["digest", model.blob?.digest ?? ""],
      ["size", formatBytes(model.blob?.length ?? 0n)],
      ["served by", `${serving.length} of ${devices.length} devices`],
      ...imageFields(image, terminal.command),
    ]),
  );
}

function imageFields(image: ModelImage | undefined, command: string): readonly [string, string][] {
  if (image === undefined)
    return [["image", `none: there is nothing to run it on (${command} image base build)`]];
  return [
    ["pull", `podman pull ${image.reference}`],
    ["", `podman pull ${image.pinned}`],
    ["for", image.public ? "anyone" : "members of the fleet"],
  ];
}
