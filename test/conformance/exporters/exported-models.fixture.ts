import { globSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export interface ExportedModel {
  /** "pytorch-2nn, torchscript". */
  readonly name: string;
  /** Path of the ONNX file. */
  readonly file: string;
  /** Path of what training it must give. */
  readonly reference: string;
}

/** The committed models: models/MODEL/EXPORTER.onnx, and models/MODEL/reference.safetensors for all of them. */
export function exportedModels(): ExportedModel[] {
  const files = globSync(join(import.meta.dirname, "models/*/*.onnx")).sort();
  return files.map((file) => ({
    name: `${basename(dirname(file))}, ${basename(file, ".onnx")}`,
    file,
    reference: join(dirname(file), "reference.safetensors"),
  }));
}
