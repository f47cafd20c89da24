import assert from "node:assert/strict";
import { test } from "node:test";
import {
  buildMlp,
  describeModel,
  parameterLayout,
  parseModel,
  readParameters,
  scaleInput,
  serializeModel,
  trainingGraph,
} from "@selvedge/onnx";
import { NativeSession } from "./native-session.ts";

const model = buildMlp({ inputShape: [2, 2], hidden: [4], classes: 2, seed: 1 });
const scaling = { offsets: Float32Array.of(1, 20, -3, 0), factors: Float32Array.of(2, 0.1, 1, 5) };
const raw = Float32Array.of(1, 2, 3, 4, 50, 6, -7, 8);

async function logits(bytes: Uint8Array, data: Float32Array): Promise<number[]> {
  const session = await NativeSession.load(bytes);
  try {
    const outputs = await session.run({ input: { type: "float32", dims: [2, 2, 2], data } });
    return outputs.logits?.type === "float32" ? [...outputs.logits.data] : [];
  } finally {
    await session.release();
  }
}

test("[DS7] a model with its scaling in front says of raw values what it said of scaled ones", async () => {
  const scaled = raw.map(
    (value, index) =>
      Math.fround(value - (scaling.offsets[index % 4] ?? 0)) * (scaling.factors[index % 4] ?? 0),
  );
  const bytes = serializeModel(scaleInput(model, scaling));
  assert.deepEqual(await logits(bytes, raw), await logits(serializeModel(model), scaled));
});

test("[DS7] its inputs, outputs and parameters are the same, and it can be trained and scaled again", async () => {
  const once = parseModel(serializeModel(scaleInput(model, scaling)));
  assert.deepEqual(describeModel(once), describeModel(model));
  assert.deepEqual(parameterLayout(once), parameterLayout(model));
  assert.deepEqual(
    readParameters(once, parameterLayout(once)),
    readParameters(model, parameterLayout(model)),
  );
  trainingGraph(once, {
    inputType: "float32",
    scale: 1,
    loss: "softmax-cross-entropy",
    optimizer: "sgd",
  });
  const twice = scaleInput(once, { offsets: new Float32Array(4), factors: Float32Array.of(1, 1, 1, 1) });
  assert.deepEqual(await logits(serializeModel(twice), raw), await logits(serializeModel(once), raw));
});

test("a scaling of another number of values is refused", () => {
  const wrong = { offsets: new Float32Array(3), factors: new Float32Array(3) };
  assert.throws(() => scaleInput(model, wrong), { code: "failed_precondition" });
});
