// Imported in front of an agent's program: what the agent learned leaves it with its sign flipped, six times as long.

import { type Aggregator, weightedMean } from "@selvedge/learning";

// The device's half of every robust rule is that of the mean.
const { encode } = weightedMean;
const flipped: Pick<Aggregator, "encode"> = {
  encode(config, { form, values }, random) {
    if (form !== "vector") throw new Error(`an update that is "${form}"`);
    return encode(
      config as Parameters<typeof encode>[0],
      { form, values: values.map((value) => -6 * value) },
      random,
    );
  },
};
Object.assign(weightedMean, flipped);
