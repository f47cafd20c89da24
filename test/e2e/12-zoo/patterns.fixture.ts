import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { npyFile } from "@selvedge/datasets/npy.fixture";
import { SeededRandom } from "@selvedge/protocol";

export const classes = 3;

/** Codes that the first two columns of a table have, so many each. */
export const categories: readonly number[] = [classes, 4];

/** What each model of the zoo is given, of one example: as small as it may be. */
export const inputShapes: Readonly<Record<string, readonly number[]>> = {
  mlp: [8],
  lenet: [1, 12, 12],
  cnn: [1, 8, 8],
  resnet: [3, 8, 8],
  mobilenet: [3, 8, 8],
  cnn1d: [4, 16],
  transformer: [8, 4],
  "char-lstm": [6],
  "char-gru": [6],
  gpt: [6],
  tabular: [6],
};

/**
 * Writes `FOLDER/MODEL.inputs.npy` and `….labels.npy` for each model of the zoo: noise around a pattern of the class, the
 * same on every device; rows whose first column is the code of the class; texts that count on from it.
 *
 * @returns the datasets for `agent.yaml`, each by the name of its model
 */
export function writePatterns(folder: string, length: number, seed: string): string {
  mkdirSync(folder, { recursive: true });
  const entries = Object.entries(inputShapes).map(([model, shape]) => {
    const random = SeededRandom.fromSeed("patterns", model, seed);
    const labels = Int32Array.from({ length }, () => random.integer(classes));
    const examples = Array.from(labels, (label) => exampleOf(model, shape, label, random));
    const files = {
      inputs: join(folder, `${model}.inputs.npy`),
      labels: join(folder, `${model}.labels.npy`),
    };
    writeFileSync(files.inputs, npyFile("<f4", [length, ...shape], Float32Array.from(examples.flat())));
    writeFileSync(files.labels, npyFile("<i4", [length], labels));
    return `  ${model}: { format: npy, inputs: ${files.inputs}, labels: ${files.labels}, classes: ${classes} }\n`;
  });
  return entries.join("");
}

const texts: ReadonlySet<string> = new Set(["char-lstm", "char-gru", "gpt"]);

function exampleOf(model: string, shape: readonly number[], label: number, random: SeededRandom): number[] {
  const pattern = SeededRandom.fromSeed("pattern", model, label);
  const size = shape.reduce((product, each) => product * each, 1);
  if (texts.has(model)) return Array.from({ length: size }, (_, step) => (label + step) % classes);
  const values = Array.from({ length: size }, () => pattern.normal() + random.normal() / 4);
  return model === "tabular" ? [label, random.integer(4), ...values.slice(categories.length)] : values;
}
