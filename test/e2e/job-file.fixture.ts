import { classes, evaluationData, imageSize, trainingData } from "./synthetic-digits.fixture.ts";

/**
 * Three rounds of three devices, of which two are enough.
 *
 * @param grace - how long the third is waited for
 */
export function jobFile(grace: string): string {
  return `name: digits
model: { builder: mlp, input: [${imageSize}], hidden: [16], classes: ${classes}, seed: 1 }
dataset: { name: ${trainingData}, inputShape: [${imageSize}], classes: ${classes} }
localEpochs: 2
batchSize: 8
learningRate: 0.1
maxExamplesPerDevice: 500
rounds: 3
cohort: 3
quorum: 2
deadline: 60s
grace: ${grace}
evaluation: ${evaluationData}
seed: 1
`;
}
