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
  autoencoder: [1, 8, 8],
  unet: [1, 8, 8],
};

/** What a text repeats on every device. */
export const sentence = "the edge of a fabric that keeps it from unravelling. ";

/**
 * Writes data for each model of the zoo: noise around a pattern of the class, the same on every device; rows whose first
 * column is the code of the class; texts that count on from it; of each pixel whether it is bright, for the model that
 * tells that. Beside them a text, and two numbers of each example that are sums of what it is.
 *
 * @returns the datasets for `agent.yaml`, each by the name of its model, and `speeches` and `sums`
 */
export function writePatterns(folder: string, length: number, seed: string): string {
  mkdirSync(folder, { recursive: true });
  const entries = Object.entries(inputShapes).map(([model, shape]) => {
    const random = SeededRandom.fromSeed("patterns", model, seed);
    const labels = Int32Array.from({ length }, () => random.integer(classes));
    const examples = Array.from(labels, (label) => exampleOf(model, shape, label, random)).flat();
    const inputs = write(folder, `${model}.inputs.npy`, fileOf(model, [length, ...shape], examples));
    if (model === "autoencoder") return `  ${model}: { format: npy, inputs: ${inputs} }\n`;
    const places = model === "unet" ? shape.slice(1) : [];
    const learned = model === "unet" ? examples.map((value) => (value > 0 ? 1 : 0)) : labels;
    const file = npyFile("<i4", [length, ...places], Int32Array.from(learned));
    return `  ${model}: { format: npy, inputs: ${inputs}, labels: ${write(folder, `${model}.labels.npy`, file)} }\n`;
  });
  return `${entries.join("")}${writeText(folder)}${writeSums(folder, length, seed)}`;
}

const texts: ReadonlySet<string> = new Set(["char-lstm", "char-gru", "gpt"]);

/** Codes are stored as whole numbers. */
function fileOf(model: string, shape: readonly number[], values: readonly number[]): Uint8Array {
  return texts.has(model)
    ? npyFile("<i4", shape, Int32Array.from(values))
    : npyFile("<f4", shape, Float32Array.from(values));
}

function write(folder: string, name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function writeText(folder: string): string {
  return `  speeches: { format: text, path: ${write(folder, "speech.txt", sentence.repeat(12))} }\n`;
}

function writeSums(folder: string, length: number, seed: string): string {
  const random = SeededRandom.fromSeed("sums", seed);
  const inputs = Float32Array.from({ length: length * 4 }, () => random.normal());
  const sums = Float64Array.from({ length: length * 2 }, (_, i) => {
    const [a = 0, b = 0, c = 0, d = 0] = inputs.subarray((i >> 1) * 4, (i >> 1) * 4 + 4);
    return i % 2 === 0 ? a + b : c - d;
  });
  const x = write(folder, "sums.x.npy", npyFile("<f4", [length, 4], inputs));
  const y = write(folder, "sums.y.npy", npyFile("<f8", [length, 2], sums));
  return `  sums: { format: npy, inputs: ${x}, labels: ${y} }\n`;
}

function exampleOf(model: string, shape: readonly number[], label: number, random: SeededRandom): number[] {
  const pattern = SeededRandom.fromSeed("pattern", model, label);
  const size = shape.reduce((product, each) => product * each, 1);
  if (texts.has(model)) return Array.from({ length: size }, (_, step) => (label + step) % classes);
  const values = Array.from({ length: size }, () => pattern.normal() + random.normal() / 4);
  return model === "tabular" ? [label, random.integer(4), ...values.slice(categories.length)] : values;
}
