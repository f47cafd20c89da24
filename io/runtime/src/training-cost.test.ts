import assert from "node:assert/strict";
import { test } from "node:test";
import { buildMlp, trainingGraph } from "@selvedge/onnx";
import { trainingCost } from "./training-cost.ts";

test("[RE8] the memory of a training counts the corrections of SCAFFOLD and FedDyn, and what is kept of them", () => {
  const model = buildMlp({ inputShape: [400], hidden: [300], classes: 2, seed: 1 });
  const options = { loss: "softmax-cross-entropy", optimizer: "sgd", inputType: "uint8", scale: 1 } as const;
  const plain = trainingCost(trainingGraph(model, options), 10);
  const corrected = trainingCost(trainingGraph(model, { ...options, correction: true }), 10);
  assert.equal(corrected.parameters, plain.parameters);
  const copies = (corrected.memoryBytes - plain.memoryBytes) / (4 * plain.parameters);
  // Of 12 million parameters a process had 12 copies more.
  assert.ok(copies >= 12 && copies < 15, `${copies} copies`);
});
