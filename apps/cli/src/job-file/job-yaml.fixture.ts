/** A job file that is right, and small. */
export const jobYaml = `name: digits
model: { builder: mlp, input: [4], hidden: [3], classes: 2 }
dataset: { name: digits, inputShape: [4], classes: 2 }
learningRate: 0.1
rounds: 2
cohort: 2
`;
