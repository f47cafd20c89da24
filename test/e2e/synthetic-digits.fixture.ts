import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeIdx, type LabelledIdxSource } from "@selvedge/datasets";
import { SeededRandom } from "@selvedge/protocol";

/** What devices call their data, and the coordinator its own. */
export const trainingData = "digits";
export const evaluationData = "held-back";

/** Of one image, and of all. */
export const imageSize = 16;
export const classes = 4;

/** Writes noisy images of 4 x 4 pixels, of which the row that names the class is bright; a small model learns them. */
export function writeSyntheticDigits(folder: string, count: number, seed: string): LabelledIdxSource {
  const random = SeededRandom.fromSeed("synthetic-digits", seed);
  const labels = Uint8Array.from({ length: count }, () => random.integer(classes));
  const images = Uint8Array.from({ length: count * imageSize }, (_, index) => {
    const isBright = Math.floor((index % imageSize) / 4) === labels[Math.floor(index / imageSize)];
    return random.integer(128) + (isBright ? 127 : 0);
  });
  const source: LabelledIdxSource = {
    format: "idx",
    imagesPath: join(folder, "images.idx"),
    labelsPath: join(folder, "labels.idx"),
    classes,
  };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(source.imagesPath, encodeIdx({ shape: [count, 4, 4], values: images }));
  writeFileSync(source.labelsPath, encodeIdx({ shape: [count], values: labels }));
  return source;
}
