import { resolve } from "node:path";
import { copyImage, OciLayout, RemoteRepository } from "@selvedge/registry";
import { findModel } from "../operator/find-model.ts";
import { requireImage } from "../operator/model-image.ts";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

/** Writes a model's image to a folder as an OCI layout. */
export async function run(
  terminal: Terminal,
  options: OperatorOptions,
  reference: string,
  output: string,
): Promise<void> {
  const folder = resolve(terminal.workingFolder, output);
  const { digest, name, version } = await withOperator(terminal, options, async (session) => {
    const model = findModel((await session.client.listModels({}, session.call)).models, reference);
    const { digest } = await requireImage(session, model);
    const layout = await OciLayout.create(folder);
    const version = String(model.version);
    await copyImage(new RemoteRepository(session.registry, model.name), digest, layout, version);
    return { digest, name: model.name, version };
  });
  if (options.json) return writeJson(terminal.stdout, { folder, digest, name, version });
  terminal.stdout.write(`${folder}: ${name}@${version} (${digest})\n`);
}
