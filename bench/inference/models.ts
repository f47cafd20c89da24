import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildCnn, buildMlp, type OnnxModel, serializeModel } from "@selvedge/onnx";

export interface BenchModel {
  readonly name: string;
  /** Of one example, batch dimension included. */
  readonly shape: readonly number[];
  readonly path: string;
}

/** Writes the models that are served: weights as they are before any training. */
export function writeModels(folder: string): readonly BenchModel[] {
  const write = (name: string, inputShape: readonly number[], model: OnnxModel): BenchModel => {
    const path = join(folder, `${name}.onnx`);
    writeFileSync(path, serializeModel(model));
    return { name, shape: [1, ...inputShape], path };
  };
  const image = [1, 28, 28];
  return [
    write("mlp", [784], buildMlp({ inputShape: [784], hidden: [200, 200], classes: 10, seed: 1 })),
    write(
      "cnn",
      image,
      buildCnn({ inputShape: image, channels: [8, 16], kernel: 3, hidden: [64], classes: 10, seed: 1 }),
    ),
  ];
}
