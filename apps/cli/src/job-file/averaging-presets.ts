/** Algorithms that are plain averaging with other settings: they change what a job file has by default. */
export type AveragingPreset = "fedsgd" | "fedprox" | "diloco";

export function isAveraging(algorithm: string): algorithm is "fedavg" | AveragingPreset {
  return algorithm === "fedavg" || Object.hasOwn(presets, algorithm);
}

/** A job file's fields with the defaults of its algorithm among them, before they are checked. */
export function withPreset(fields: unknown): unknown {
  if (!isFields(fields) || typeof fields.algorithm !== "string") return fields;
  const preset = Object.hasOwn(presets, fields.algorithm)
    ? presets[fields.algorithm as AveragingPreset]
    : undefined;
  return preset === undefined ? fields : { ...preset(fields), ...fields };
}

type Fields = Readonly<Record<string, unknown>>;

const presets: { readonly [Name in AveragingPreset]: (fields: Fields) => Fields } = {
  // FedSGD of McMahan et al., arXiv 1602.05629: one step of all examples a device has, in parts of `batchSize`.
  fedsgd: ({ maxExamplesPerDevice = 10_000, batchSize = 32 }) => ({
    accumulate: Math.ceil(Number(maxExamplesPerDevice) / Number(batchSize)),
  }),

  // FedProx of Li et al., arXiv 1812.06127: who runs out of time counts with what it has done.
  fedprox: () => ({ partialWork: true }),

  // DiLoCo of Douillard et al., arXiv 2311.08105, section 3.1 and table 5.
  diloco: ({ localEpochs }) => ({
    optimizer: { name: "adamw", weightDecay: 0.1 },
    learningRate: 0.0004,
    keepOptimizerState: true,
    ...(localEpochs === undefined && { localSteps: 500 }),
    server: { name: "nesterov", momentum: 0.9 },
    serverLearningRate: 0.7,
  }),
};

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
