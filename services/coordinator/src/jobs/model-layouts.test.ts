import assert from "node:assert/strict";
import { test } from "node:test";
import { buildMlp, serializeModel } from "@selvedge/onnx";
import { decodePlan, encodePlan } from "@selvedge/protocol";
import { type BlobStore, openMemoryBlobStore } from "@selvedge/storage";
import { ModelLayouts } from "./model-layouts.ts";
import { smallPlan } from "./plan.fixture.ts";

test("layouts of the models that were asked for last are remembered, and of no more than so many", async () => {
  const { blobs, counted, reads } = countedBlobs();
  const layouts = new ModelLayouts(counted, 2);
  const [first, second, third] = await Promise.all(
    [1, 2, 3].map((seed) =>
      blobs.put(serializeModel(buildMlp({ inputShape: [2], hidden: [], classes: 2, seed }))),
    ),
  );
  assert.ok(first && second && third);
  for (const reference of [first, second, first, third, first]) await layouts.of(reference);
  assert.equal(reads(), 3);
  await layouts.of(second);
  assert.equal(reads(), 4);
});

test("what devices of a plan share is worked out once, and is not the layout of the whole model", async () => {
  const { blobs, counted, reads } = countedBlobs();
  const layouts = new ModelLayouts(counted);
  const model = await blobs.put(
    serializeModel(buildMlp({ inputShape: [2], hidden: [3], classes: 2, seed: 1 })),
  );
  const plan = decodePlan(encodePlan(smallPlan(model.digest, model.length, 1, 2)));
  const partly = { ...plan, train: { ...plan.train, personal: ["fc2.*"] } };
  const shared = await layouts.ofShared(partly);
  assert.equal(await layouts.ofShared(partly), shared);
  assert.equal(reads(), 1);
  assert.ok(shared.length < (await layouts.of(model)).length);
});

function countedBlobs() {
  let reads = 0;
  const blobs = openMemoryBlobStore();
  const counted: Pick<BlobStore, "get"> = {
    get: (digest) => {
      reads += 1;
      return blobs.get(digest);
    },
  };
  return { blobs, counted, reads: () => reads };
}
