import { writeFile } from "node:fs/promises";

export interface DemoJobOptions {
  readonly devices: number;
  readonly rounds: number;
  readonly seed: number;
  /** Of the device that has most. */
  readonly examplesMax: number;
}

/** What the job's data is called on devices, and the model once it is released. */
export const digits = "digits";
/** What the coordinator calls the images it measures on. */
export const testSet = "mnist-test";
/** Of one image, as the model takes it. */
export const imageSize = 784;

/**
 * Writes the job as anybody would write it. The model is the 2NN of McMahan et
 * al. 2017, with 199,210 parameters.
 */
export async function writeDemoJob(path: string, options: DemoJobOptions): Promise<void> {
  const { devices, rounds, seed, examplesMax } = options;
  await writeFile(
    path,
    `name: ${digits}
model: { builder: mlp, input: [${imageSize}], hidden: [200, 200], classes: 10, seed: ${seed} }
dataset: { name: ${digits}, inputShape: [${imageSize}], classes: 10 }
algorithm: fedavg
localEpochs: 1
batchSize: 32
learningRate: 0.1
heldOutFraction: 0.1
maxExamplesPerDevice: ${examplesMax}
rounds: ${rounds}
cohort: ${devices}
quorum: ${Math.max(2, Math.ceil(devices * quorumShare))}
deadline: 5m
grace: 20s
evaluation: ${testSet}
seed: ${seed}
`,
  );
}

const quorumShare = 0.8;
