/** Of each device. */
export const examples = 600;

/** The 2NN of McMahan et al. 2017: 199,210 parameters. */
export const benchedModel = {
  inputShape: [784],
  hidden: [200, 200],
  classes: 10,
  seed: 1,
} as const;

/** A job of so many rounds with all of so many devices. */
export function benchedJob(devices: number, rounds: number): string {
  const { inputShape, hidden, classes, seed } = benchedModel;
  return JSON.stringify({
    name: "no-op",
    model: { builder: "mlp", input: inputShape, hidden, classes, seed },
    dataset: { name: "digits", inputShape, classes },
    learningRate: 0.1,
    maxExamplesPerDevice: examples,
    rounds,
    cohort: devices,
    quorum: devices,
    deadline: "10m",
  });
}
