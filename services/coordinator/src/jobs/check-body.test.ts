import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { buildMlp, encodeSafetensors, parameterLayout } from "@selvedge/onnx";
import { type CheckedPlan, digestOf, PlanSchema, TrainTaskSchema } from "@selvedge/protocol";
import { openMemoryBlobStore } from "@selvedge/storage";
import { problemWith } from "./check-body.ts";

const layout = parameterLayout(buildMlp({ inputShape: [4], hidden: [3], classes: 2, seed: 1 }));
const other = parameterLayout(buildMlp({ inputShape: [5], hidden: [3], classes: 2, seed: 1 }));
const updateBytes = encodeSafetensors(layout, new Float32Array(layout.length)).length;
const digest = digestOf(Buffer.from("plan"));
const plan: CheckedPlan = {
  plan: create(PlanSchema),
  train: create(TrainTaskSchema),
  evaluate: null,
  model: { digest, length: 1 },
  table: null,
  text: null,
  target: { kind: "class", shape: [], classes: 2 },
  metrics: ["eval_accuracy"],
  digest,
};

async function problem(update: Float32Array, metrics = {}, shape = layout): Promise<string | null> {
  const blobs = openMemoryBlobStore();
  return problemWith(
    await blobs.put(encodeSafetensors(shape, update)),
    metrics,
    plan,
    layout,
    updateBytes,
    blobs,
  );
}

function updateWith(value: number): Float32Array {
  const update = new Float32Array(layout.length).fill(0.1);
  update[3] = value;
  return update;
}

test("[SU6] a sound body has no problem", async () => {
  assert.equal(await problem(updateWith(0.5)), null);
  assert.equal(await problem(updateWith(-2047)), null);
});

for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2048, -1e30]) {
  test(`[SU6] a body that holds ${value} is unsound, and the index is named`, async () => {
    assert.match((await problem(updateWith(value))) ?? "", /value 3 is/);
  });
}

test("[SU6] a body of another shape is unsound, and both shapes are named", async () => {
  const wrong = (await problem(new Float32Array(other.length), {}, other)) ?? "";
  assert.match(wrong, /4.*3|3.*4/s);
  assert.match(wrong, /5/);
});

test("[SU6] bytes that are no safetensors are unsound", async () => {
  const blobs = openMemoryBlobStore();
  const garbage = await blobs.put(Buffer.alloc(200, 0xff));
  assert.notEqual(await problemWith(garbage, {}, plan, layout, updateBytes, blobs), null);
});

test("[SU6] a body far larger than an update is refused unread", async () => {
  const huge = { digest, length: 10 * updateBytes };
  assert.match(
    (await problemWith(huge, {}, plan, layout, updateBytes, openMemoryBlobStore())) ?? "",
    /bytes/,
  );
});

test("[SU5] a body that is not here is missing", async () => {
  const absent = { digest, length: 10 };
  assert.equal(await problemWith(absent, {}, plan, layout, updateBytes, openMemoryBlobStore()), "missing");
});

test("[SU4] metrics that the plan does not name, or out of range, are a problem", async () => {
  assert.equal(await problem(updateWith(0), { eval_accuracy: 0.5 }), null);
  assert.match((await problem(updateWith(0), { train_loss: 1 })) ?? "", /train_loss/);
  assert.match((await problem(updateWith(0), { eval_accuracy: 1.5 })) ?? "", /eval_accuracy/);
  assert.match((await problem(updateWith(0), { eval_accuracy: Number.NaN })) ?? "", /eval_accuracy/);
});
