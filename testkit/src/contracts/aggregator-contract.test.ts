import { aggregatorOf, type PlannedAggregator } from "@selvedge/learning";
import { plannedAggregators } from "@selvedge/protocol";
import { registerAggregatorContract } from "./aggregator-contract.ts";

for (const name of plannedAggregators) registerAggregatorContract(aggregatorOf({ name }));

const mean = "weighted-mean";
const compositions: readonly PlannedAggregator[] = [
  { name: "sum", blocks: [{ name: "zeroing" }] },
  { name: mean, blocks: [{ name: "zeroing", bound: 10 }] },
  { name: mean, blocks: [{ name: "clipping" }] },
  { name: "unweighted-mean", blocks: [{ name: "clipping", bound: 1 }] },
  { name: mean, blocks: [{ name: "sampling", fraction: 0.4 }] },
  { name: mean, blocks: [{ name: "quantisation", bits: 1 }] },
  { name: "sum", blocks: [{ name: "quantisation", bits: 12 }] },
  {
    name: mean,
    blocks: [
      { name: "sampling", fraction: 0.4 },
      { name: "quantisation", bits: 8 },
    ],
  },
  {
    name: mean,
    blocks: [
      { name: "zeroing" },
      { name: "clipping" },
      { name: "sampling", fraction: 0.7 },
      { name: "quantisation", bits: 5 },
    ],
  },
];
for (const planned of compositions) {
  registerAggregatorContract(aggregatorOf(planned), JSON.stringify(planned));
}
