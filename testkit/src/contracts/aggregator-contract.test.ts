import { aggregatorNamed, aggregatorNames } from "@selvedge/learning";
import { registerAggregatorContract } from "./aggregator-contract.ts";

for (const name of aggregatorNames) registerAggregatorContract(aggregatorNamed(name));
