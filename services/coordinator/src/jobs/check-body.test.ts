import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { aggregatorOf, openSumRound, type PlannedAggregator } from "@selvedge/learning";
import { buildMlp, encodeSafetensors, parameterLayout } from "@selvedge/onnx";
import { type CheckedPlan, digestOf, PlanSchema, SeededRandom, TrainTaskSchema } from "@selvedge/protocol";
import { openMemoryBlobStore } from "@selvedge/storage";
import { problemWith } from "./check-body.ts";
import type { UpdateReading } from "./read-update.ts";

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

const context = { cohort: 2, maxExamplesPerDevice: 10, parameters: layout.length };

function readingOf(planned: PlannedAggregator): UpdateReading {
  const aggregator = aggregatorOf(planned);
  const round = openSumRound(aggregator.prepare(aggregator.initialState(), context), 0);
  return { aggregator, round, sent: layout };
}

const reading = readingOf({ name: "weighted-mean" });

async function problem(update: Float32Array, metrics = {}, shape = layout): Promise<string | null> {
  return problemOf(encodeSafetensors(shape, update), { metrics });
}

async function problemOf(
  bytes: Uint8Array,
  { metrics = {}, bits = {}, reads = reading } = {},
): Promise<string | null> {
  const blobs = openMemoryBlobStore();
  const body = await blobs.put(bytes);
  return problemWith({ body, metrics, bits }, plan, reads, updateBytes, blobs);
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
  assert.notEqual(await problemOf(Buffer.alloc(200, 0xff)), null);
});

test("[SU6] a body far larger than an update is refused unread", async () => {
  const huge = { digest, length: 10 * updateBytes };
  assert.match(
    (await problemWith({ body: huge, metrics: {} }, plan, reading, updateBytes, openMemoryBlobStore())) ?? "",
    /bytes/,
  );
});

test("[SU5] a body that is not here is missing", async () => {
  const absent = { digest, length: 10 };
  const claim = { body: absent, metrics: {} };
  assert.equal(await problemWith(claim, plan, reading, updateBytes, openMemoryBlobStore()), "missing");
});

test("[SU4] metrics that the plan does not name, or out of range, are a problem", async () => {
  assert.equal(await problem(updateWith(0), { eval_accuracy: 0.5 }), null);
  assert.match((await problem(updateWith(0), { train_loss: 1 })) ?? "", /train_loss/);
  assert.match((await problem(updateWith(0), { eval_accuracy: 1.5 })) ?? "", /eval_accuracy/);
  assert.match((await problem(updateWith(0), { eval_accuracy: Number.NaN })) ?? "", /eval_accuracy/);
});

test("[SU6] packed bytes are read as the plan's aggregator packs them, and by no other length", async () => {
  const reads = readingOf({ name: "sum", blocks: [{ name: "quantisation", bits: 8 }] });
  const { aggregator, round } = reads;
  const update = { form: "vector", values: updateWith(2047) } as const;
  const { body } = aggregator.encode(round.config, update, SeededRandom.fromSeed(1));
  const bytes = Buffer.from(body as Uint8Array);
  assert.equal(await problemOf(bytes, { reads }), null);
  assert.match((await problemOf(bytes.subarray(1), { reads })) ?? "", /bytes; this offer takes/);
  assert.match((await problemOf(bytes)) ?? "", /header/);
});

test("[AG11] a submission with other bits than the plan's aggregator asks for is unsound", async () => {
  const reads = readingOf({ name: "sum", blocks: [{ name: "clipping" }] });
  const bytes = encodeSafetensors(layout, updateWith(0));
  assert.equal(await problemOf(bytes, { bits: { "clipping.within": true }, reads }), null);
  assert.match((await problemOf(bytes, { reads })) ?? "", /asks for clipping.within/);
  assert.match((await problemOf(bytes, { bits: { "clipping.within": true } })) ?? "", /asks for none/);
});
