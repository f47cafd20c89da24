import type { CheckedPlan, PlannedSelection, RobustRuleName } from "@selvedge/protocol";

/** What a job can choose, by the part of the job file that it stands in. */
export type Choice =
  | `algorithm: ${"fedavg" | "scaffold" | "feddyn" | "fednova" | "qfedavg" | "mimelite"}`
  | `aggregator: ${"mean" | "unweighted-mean" | "sum" | "zeroing" | "clipping" | RobustRuleName}`
  | `compression: ${"sampling" | "quantisation"}`
  | `server: ${"fedavg" | "fedavgm" | "nesterov" | "fedadagrad" | "fedadam" | "fedyogi" | "strategy"}`
  | `selection: ${PlannedSelection | "overSelection"}`
  | `work: ${"partialWork"}`
  | `personalisation: ${"personal" | "keepOptimizerState" | "ditto" | "fine-tuning"}`;

/** The choices that a plan makes. */
export function choicesOf(plan: CheckedPlan): Choice[] {
  return choices.filter((choice) => isChosen[choice](plan));
}

const isChosen: { readonly [Name in Choice]: (plan: CheckedPlan) => boolean } = {
  "algorithm: fedavg": ({ train }) => train.algorithm.startsWith("fedavg"),
  "algorithm: scaffold": ({ train }) => train.algorithm === "scaffold",
  "algorithm: feddyn": ({ train }) => train.algorithm === "feddyn",
  "algorithm: fednova": ({ train }) => train.algorithm === "fednova",
  "algorithm: qfedavg": ({ train }) => train.algorithm === "qfedavg",
  "algorithm: mimelite": ({ train }) => train.algorithm === "mimelite",
  "aggregator: mean": isAggregator("weighted-mean"),
  "aggregator: unweighted-mean": isAggregator("unweighted-mean"),
  "aggregator: sum": isAggregator("sum"),
  "aggregator: median": isAggregator("median"),
  "aggregator: trimmed-mean": isAggregator("trimmed-mean"),
  "aggregator: krum": isAggregator("krum"),
  "aggregator: multi-krum": isAggregator("multi-krum"),
  "aggregator: bulyan": isAggregator("bulyan"),
  "aggregator: geometric-median": isAggregator("geometric-median"),
  "aggregator: norm-filter": isAggregator("norm-filter"),
  "aggregator: zeroing": hasBlock("zeroing"),
  "aggregator: clipping": hasBlock("clipping"),
  "compression: sampling": hasBlock("sampling"),
  "compression: quantisation": hasBlock("quantisation"),
  "server: fedavg": isServer("fedavg"),
  "server: fedavgm": isServer("fedavgm"),
  "server: nesterov": isServer("nesterov"),
  "server: fedadagrad": isServer("fedadagrad"),
  "server: fedadam": isServer("fedadam"),
  "server: fedyogi": isServer("fedyogi"),
  "server: strategy": isServer("strategy"),
  "selection: uniform": ({ plan }) => (plan.schedule?.selection?.name ?? "uniform") === "uniform",
  "selection: poisson": ({ plan }) => plan.schedule?.selection?.name === "poisson",
  "selection: loss": ({ plan }) => plan.schedule?.selection?.name === "loss",
  "selection: overSelection": ({ plan }) => (plan.schedule?.overSelection ?? 0) > 0,
  "work: partialWork": ({ train }) => train.partialWork,
  "personalisation: personal": ({ train }) => train.personal.length > 0,
  "personalisation: keepOptimizerState": ({ train }) => train.keepOptimizerState,
  "personalisation: ditto": ({ train }) => train.personalModel?.kind === "ditto",
  "personalisation: fine-tuning": ({ train }) => train.personalModel?.kind === "fine-tuning",
};

/** All there are, in the order of the table in docs/reference/job.md. */
export const choices: readonly Choice[] = Object.keys(isChosen) as Choice[];

function isAggregator(name: string): (plan: CheckedPlan) => boolean {
  return ({ plan }) => plan.aggregator?.name === name;
}

function hasBlock(name: string): (plan: CheckedPlan) => boolean {
  return ({ plan }) => plan.aggregator?.blocks.some((block) => block.name === name) ?? false;
}

function isServer(name: string): (plan: CheckedPlan) => boolean {
  return ({ plan }) => plan.serverOptimizer?.name === name;
}
