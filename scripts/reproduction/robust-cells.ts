import type { RoundPoint } from "@selvedge/simulator";
import type { Cell, Variant } from "./cell.ts";
import { mnistJob, onMnist } from "./mnist-cells.ts";

const rounds = 40;
const attack = ["--attack", "sign-flip:0.2:10"];
const rules: Readonly<Record<string, object>> = {
  mean: { name: "mean" },
  median: { name: "median" },
  "trimmed-mean": { name: "trimmed-mean", trim: 0.4 },
  "multi-krum": { name: "multi-krum", byzantine: 8 },
};

function variant(name: string, aggregator: object, options: readonly string[]): Variant {
  const job = mnistJob("2nn", 1, {
    learningRate: 0.1,
    batchSize: 10,
    rounds,
    cohort: 20,
    quorum: 20,
    aggregator,
  });
  return { name, job, options: onMnist("iid", ...options) };
}

export const robustCells: readonly Cell[] = [
  {
    name: "sign-flip",
    title: "MNIST 2NN, IID, 20 of 100 clients send ten times the opposite of their update",
    source:
      "Yin et al. (arXiv 1803.01498), Blanchard et al. (arXiv 1703.02757): the rules, not these figures",
    published: "robust rules keep their accuracy where the mean fails",
    criterion: `after ${rounds} rounds each rule within 0.03 of the mean without attack; the mean under attack below 0.5, or diverged`,
    variants: [
      variant("mean-unattacked", { name: "mean" }, []),
      ...Object.entries(rules).map(([name, aggregator]) => variant(name, aggregator, attack)),
    ],
    judge: (runs) => {
      const whole = accuracyAfter(rounds, runs.get("mean-unattacked"));
      const attacked = Object.keys(rules).map(
        (name) => [name, accuracyAfter(rounds, runs.get(name))] as const,
      );
      const isReached = attacked.every(([name, accuracy]) => {
        if (name === "mean") return accuracy === undefined || accuracy < 0.5;
        return accuracy !== undefined && whole !== undefined && accuracy > whole - 0.03;
      });
      const said = [["mean without attack", whole] as const, ...attacked].map(
        ([name, accuracy]) => `${name} ${accuracy?.toFixed(3) ?? "diverged"}`,
      );
      return { ours: said.join(", "), isReached };
    },
  },
];

/** undefined = it did not come so far. */
function accuracyAfter(count: number, points: readonly RoundPoint[] = []): number | undefined {
  const completed = points.filter(({ status }) => status === "completed");
  return completed.length < count ? undefined : completed.at(-1)?.evaluation.accuracy;
}
