import { resolve } from "node:path";
import { blobReferenceOf } from "@selvedge/protocol";
import { downloadFile } from "../operator/download-file.ts";
import { findModel } from "../operator/find-model.ts";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { formatBytes } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface ModelGetOptions extends OperatorOptions {
  readonly output?: string;
}

/** Writes a released model to a file once its bytes are verified; goes on where it was interrupted. */
export async function run(terminal: Terminal, options: ModelGetOptions, reference: string): Promise<void> {
  const { path, model } = await withOperator(terminal, options, async ({ client, call, blobs }) => {
    const { models } = await client.listModels({}, call);
    const model = findModel(models, reference);
    const path = resolve(terminal.workingFolder, options.output ?? `${model.name}-${model.version}.onnx`);
    const blob = blobReferenceOf(model.blob, `model ${reference}`);
    await downloadFile(blobs, blob, path, terminal.interrupted);
    return { path, model };
  });
  if (options.json) return writeJson(terminal.stdout, { path, model });
  const size = formatBytes(model.blob?.length ?? 0n);
  terminal.stdout.write(`${path}: ${model.name}@${model.version}, ${size}, digest verified\n`);
}
