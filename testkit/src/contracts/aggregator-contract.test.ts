import {
  type Aggregator,
  aggregatorNamed,
  aggregatorNames,
  around,
  clipping,
  quantisation,
  sampling,
  sum,
  unweightedMean,
  weightedMean,
  zeroing,
} from "@selvedge/learning";
import { registerAggregatorContract } from "./aggregator-contract.ts";

for (const name of aggregatorNames) registerAggregatorContract(aggregatorNamed(name));

const compositions: Readonly<Record<string, Aggregator>> = {
  "zeroing, sum": around(zeroing(), sum),
  "zeroing at 10, weighted-mean": around(zeroing({ bound: 10 }), weightedMean),
  "clipping, weighted-mean": around(clipping(), weightedMean),
  "clipping at 1, unweighted-mean": around(clipping({ bound: 1 }), unweightedMean),
  "sampling, weighted-mean": around(sampling({ fraction: 0.4 }), weightedMean),
  "quantisation to 1 bit, weighted-mean": around(quantisation({ bits: 1 }), weightedMean),
  "quantisation to 12 bits, sum": around(quantisation({ bits: 12 }), sum),
  "sampling, quantisation, unweighted-mean": around(
    sampling({ fraction: 0.4 }),
    around(quantisation({ bits: 8 }), unweightedMean),
  ),
  "all of them": around(
    zeroing(),
    around(clipping(), around(sampling({ fraction: 0.7 }), around(quantisation({ bits: 5 }), weightedMean))),
  ),
};
for (const [title, aggregator] of Object.entries(compositions)) registerAggregatorContract(aggregator, title);
