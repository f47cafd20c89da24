import type { Strategy } from "@selvedge/learning";

/**
 * Federated averaging that gives out a running mean of its models: the fast model moves by each
 * round's mean update, and the one that devices get follows it (Polyak and Juditsky 1992; Izmailov et al.
 * 2018, arXiv 1803.05407). Option `keep`: how much of the slow model stays each round, 0 to 1; 0.5 unless given.
 */
const slowAverage: Strategy = {
  init: () => ({ step: 0, vectors: {} }),
  update({ step, vectors }, base, meanUpdate, { learningRate, options }) {
    const { keep = 0.5 } = options;
    const fast = vectors.fast ?? Float64Array.from(base);
    const nextFast = fast.map((value, index) => value + learningRate * (meanUpdate[index] ?? 0));
    const parameters = base.map((value, index) => keep * value + (1 - keep) * (nextFast[index] ?? 0));
    return { parameters, state: { step: step + 1, vectors: { fast: nextFast } } };
  },
};

export default slowAverage;
