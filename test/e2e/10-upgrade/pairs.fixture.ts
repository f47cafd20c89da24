import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeIdx } from "@selvedge/datasets";
import { imageSize } from "../synthetic-digits.fixture.ts";

/** What devices call data of two classes. */
export const pairs = "pairs";

/** Gives a device a second dataset: examples of which every other one is bright. */
export function addPairs(folder: string): void {
  const labels = Uint8Array.from({ length: 100 }, (_, index) => index % 2);
  const values = Uint8Array.from({ length: 100 * imageSize }, (_, index) => {
    return (Math.floor(index / imageSize) % 2) * 200;
  });
  writeFileSync(join(folder, "data", "pairs.idx"), encodeIdx({ shape: [100, imageSize], values }));
  writeFileSync(join(folder, "data", "pair-labels.idx"), encodeIdx({ shape: [100], values: labels }));
  const path = join(folder, "agent.yaml");
  const [first = "", ...rest] = readFileSync(path, "utf8").split("\n");
  writeFileSync(path, [first, `  ${pairs}: ${entry}`, ...rest].join("\n"));
}

const entry = "{ format: idx, images: data/pairs.idx, labels: data/pair-labels.idx, classes: 2 }";
