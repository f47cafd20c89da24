import { join } from "node:path";
import type { RoundPoint } from "@selvedge/simulator";
import type { Cell, Variant } from "./cell.ts";
import { type ArrayFiles, writeSyntheticData } from "./synthetic-data.ts";

interface Method {
  readonly proximal: number;
  readonly dropsStragglers: boolean;
}

type MethodName = "fedavg" | "fedprox-0" | "fedprox-1";

const methods: Readonly<Record<MethodName, Method>> = {
  fedavg: { proximal: 0, dropsStragglers: true },
  "fedprox-0": { proximal: 0, dropsStragglers: false },
  "fedprox-1": { proximal: 1, dropsStragglers: false },
};
const names: readonly MethodName[] = ["fedavg", "fedprox-0", "fedprox-1"];

function job({ proximal }: Method, rounds: number): string {
  return `name: synthetic-1-1
model: { builder: mlp, input: [60], hidden: [], classes: 10, seed: 1 }
dataset: { name: synthetic, inputShape: [60], classes: 10 }
learningRate: 0.01
batchSize: 10
localEpochs: 20
heldOutFraction: 0
maxExamplesPerDevice: 20000
rounds: ${rounds}
cohort: 10
quorum: 1
seed: 1
metrics: [examples, train_loss]
${proximal === 0 ? "" : `proximal: ${proximal}\n`}`;
}

/** Measured on what was held out, or on all that was trained on. */
export function fedProxVariant(name: MethodName, on: "train" | "test", rounds: number): Variant {
  const method = methods[name];
  const source = ({ inputsPath, labelsPath }: ArrayFiles): string => `npy:${inputsPath},${labelsPath}`;
  return {
    name: `${name}-${on}`,
    job: job(method, rounds),
    options: (folder) => {
      const files = writeSyntheticData(join(folder, "data"), { alpha: 1, beta: 1, seed: 1 });
      return [
        ...files.devices.flatMap((device) => ["--data", source(device)]),
        ...["--partition", "by-file", "--evaluation", source(files[on]), "--stragglers", "0.9"],
        ...(method.dropsStragglers ? ["--drop-stragglers"] : []),
      ];
    },
  };
}

const rounds = 200;

export const fedProxCells: readonly Cell[] = [
  {
    name: "fedprox-synthetic",
    title: `Synthetic(1, 1), 30 devices, logistic regression, E=20, B=10, 90 % stragglers, ${rounds} rounds`,
    source: "Li et al., Federated Optimization in Heterogeneous Networks (arXiv 1812.06127), figures 1 and 2",
    published: "curves only: μ = 1 above μ = 0 above FedAvg, which drops stragglers",
    criterion:
      "test accuracy, mean of the last 5 rounds: μ = 1 > μ = 0 > FedAvg; training loss, likewise: μ = 1 below half of FedAvg's",
    variants: names.flatMap((name) =>
      (["test", "train"] as const).map((on) => fedProxVariant(name, on, rounds)),
    ),
    judge: (runs) => {
      const measured = (on: "train" | "test", metric: string): number[] =>
        names.map((name) => meanOfLast(runs.get(`${name}-${on}`) ?? [], metric));
      const [average = 0, none = 0, one = 0] = measured("test", "accuracy");
      const [averageLoss = 0, noneLoss = 0, oneLoss = 0] = measured("train", "loss");
      return {
        ours: `accuracy ${[average, none, one].map((value) => value.toFixed(3)).join(" / ")}, loss ${[averageLoss, noneLoss, oneLoss].map((value) => value.toFixed(3)).join(" / ")} (FedAvg / μ = 0 / μ = 1)`,
        isReached: one > none && none > average && oneLoss < averageLoss / 2,
      };
    },
  },
];

function meanOfLast(points: readonly RoundPoint[], metric: string): number {
  const values = points.slice(-5).map(({ evaluation }) => evaluation[metric] ?? Number.NaN);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
