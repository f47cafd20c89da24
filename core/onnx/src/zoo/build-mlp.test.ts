import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import { describeModel } from "../describe-model.ts";
import { parseModel, serializeModel } from "../model.ts";
import { parameterLayout, readParameters, slotOf } from "../parameters.ts";
import { buildMlp, type MlpOptions } from "./build-mlp.ts";

const twoNn: MlpOptions = { inputShape: [784], hidden: [200, 200], classes: 10, seed: 42 };

test("the FedAvg paper's 2NN has 199,210 parameters, an open batch, and raw scores", () => {
  const model = parseModel(serializeModel(buildMlp(twoNn)));
  assert.equal(parameterLayout(model).length, 199_210);
  assert.deepEqual(describeModel(model), {
    inputs: [{ name: "input", type: "float32", shape: [-1, 784] }],
    outputs: [{ name: "logits", type: "float32", shape: [-1, 10] }],
  });
  assert.ok((model.opsetImport[0]?.version ?? 0n) >= 17n);
});

test("a seed gives the same bytes for ever, another seed gives others", () => {
  const digest = (seed: number) => digestOf(serializeModel(buildMlp({ ...twoNn, hidden: [4], seed })));
  assert.equal(digest(1), expectedDigest);
  assert.notEqual(digest(2), digest(1));
});

test("weights are He-normal and biases zero", () => {
  const model = buildMlp(twoNn);
  const layout = parameterLayout(model);
  const flat = readParameters(model, layout);
  for (const slot of layout.slots) {
    const values = slotOf(flat, slot);
    const [inputs = 0] = slot.shape;
    const variance = values.reduce((sum, each) => sum + each * each, 0) / values.length;
    const expected = slot.shape.length === 2 ? 2 / inputs : 0;
    assert.ok(Math.abs(variance - expected) <= 0.1 * expected, `${slot.name}: ${variance}, not ${expected}`);
  }
});

test("images are flattened, and impossible layers refused", () => {
  const model = buildMlp({ ...twoNn, inputShape: [28, 28] });
  assert.equal(model.graph?.node[0]?.opType, "Flatten");
  assert.equal(parameterLayout(model).length, 199_210);
  for (const wrong of [{ inputShape: [] }, { inputShape: [0] }, { hidden: [1.5] }, { classes: -1 }]) {
    assert.throws(
      () => buildMlp({ ...twoNn, ...wrong }),
      (error) => error instanceof SelvedgeError && error.code === "invalid_argument",
    );
  }
});

test("layers larger than any model are refused before memory is taken for them", () => {
  assert.throws(
    () => buildMlp({ ...twoNn, hidden: [2 ** 20, 2 ** 20] }),
    (error) => error instanceof SelvedgeError && error.code === "too_large",
  );
  assert.throws(
    () => buildMlp({ ...twoNn, inputShape: [9], hidden: [2 ** 25], classes: 2 }),
    /402653186 parameters/,
  );
});

const expectedDigest = "sha256:da38c3918be42a796e147e49070a0a2492a198b98837463c60163dbb3e42a649";
