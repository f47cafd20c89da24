import type { FuzzTarget } from "@selvedge/testkit";
import { parseJobFile } from "./job-file.ts";

const fileJob = `name: digits
model: model.onnx
dataset: { name: digits, inputShape: [784], classes: 10 }
localEpochs: 1
batchSize: 32
learningRate: 0.1
maxExamplesPerDevice: 60000
rounds: 5
cohort: 2
deadline: 5m
`;
const builtJob = fileJob.replace(
  "model.onnx",
  "{ builder: mlp, input: [28, 28], hidden: [200, 200], classes: 10 }",
);
const settledJob = `${builtJob}loss: { name: softmax-cross-entropy, labelSmoothing: 0.1 }
optimizer: { name: adamw, beta1: 0.8, weightDecay: 0.05 }
proximal: 0.01
clipNorm: 1
frozen: ["fc1.*"]
`;

export const target: FuzzTarget = {
  name: "job-file",
  examples: () => [fileJob, builtJob, settledJob].map((text) => Buffer.from(text)),
  words: [
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "- ",
    ": ",
    "? ",
    "|",
    ">",
    "{",
    "[",
    "\t",
    "---\n",
    "__proto__: ",
  ],
  decode: (input) => parseJobFile(new TextDecoder().decode(input), "job.yaml"),
};
