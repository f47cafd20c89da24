import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tensor, TensorDeclaration } from "@selvedge/runtime";
import fc from "fast-check";
import type { InferRequest } from "../tensors/infer-request.ts";
import { batchLength, isBatchable, mergeFeeds, splitResults } from "./batch.ts";

const width = 3;
const requests = fc.array(
  fc.integer({ min: 1, max: 5 }).chain((rows) =>
    fc.array(fc.integer({ min: 0, max: 255 }), { minLength: rows * width, maxLength: rows * width }).map(
      (values): InferRequest => ({
        id: undefined,
        feeds: { x: { type: "uint8", dims: [rows, width], data: Uint8Array.from(values) } },
        fetches: ["x"],
        binary: new Set(),
        timeoutUs: undefined,
      }),
    ),
  ),
  { minLength: 1, maxLength: 8 },
);

test("what is merged and split again is what each request gave", () => {
  fc.assert(
    fc.property(requests, (all) => {
      const merged = mergeFeeds(all);
      assert.equal(
        merged.x?.dims[0],
        all.reduce((sum, { feeds }) => sum + (feeds.x?.dims[0] ?? 0), 0),
      );
      assert.deepEqual(
        splitResults(all, merged),
        all.map(({ feeds }) => feeds),
      );
    }),
  );
});

test("strings are merged and split as numbers are", () => {
  const texts = [["a", "b"], ["c"]].map(
    (data): InferRequest => ({
      id: undefined,
      feeds: { t: { type: "string", dims: [data.length], data } },
      fetches: ["t"],
      binary: new Set(),
      timeoutUs: undefined,
    }),
  );
  const merged = mergeFeeds(texts);
  assert.deepEqual(merged.t, { type: "string", dims: [3], data: ["a", "b", "c"] });
  assert.deepEqual(
    splitResults(texts, merged),
    texts.map(({ feeds }) => feeds),
  );
});

test("a run takes the longest start of the queue that fits, and always at least one request", () => {
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 20 }), (all, rowsMax) => {
      const rows = (length: number): number =>
        all.slice(0, length).reduce((sum, { feeds }) => sum + (feeds.x?.dims[0] ?? 0), 0);
      const length = batchLength(all, rowsMax);
      assert.ok(length >= 1 && (length === 1 || rows(length) <= rowsMax));
      assert.ok(length === all.length || rows(length + 1) > rowsMax);
    }),
  );
});

test("requests whose other dimensions differ, or whose inputs disagree on the batch, run apart", () => {
  const request = (...shapes: number[][]): InferRequest => ({
    id: undefined,
    feeds: Object.fromEntries(
      shapes.map((dims, i): [string, Tensor] => [
        `x${i}`,
        { type: "float32", dims, data: new Float32Array(0) },
      ]),
    ),
    fetches: [],
    binary: new Set(),
    timeoutUs: undefined,
  });
  assert.equal(batchLength([request([1, 3]), request([2, 3]), request([1, 4])], 64), 2);
  assert.equal(batchLength([request([1, 3], [1]), request([2, 3], [1])], 64), 1);
  assert.equal(batchLength([request([1, 3], [2]), request([1, 3], [1])], 64), 1);
});

test("only a first dimension that all share and that is named as a batch is one", () => {
  const declare = (...dims: (number | string)[]): TensorDeclaration => ({ name: "x", type: "float32", dims });
  const batchable = (inputs: TensorDeclaration[], outputs: TensorDeclaration[]): boolean =>
    isBatchable({ inputs, outputs });
  for (const name of ["batch", "N", "batch_size"]) {
    assert.ok(batchable([declare(name, 3), declare(name)], [declare(name, 2)]), name);
  }
  assert.ok(!batchable([declare("time", 3)], [declare("time", 2)]));
  assert.ok(!batchable([declare("", 3)], [declare("", 2)]));
  assert.ok(!batchable([declare("batch", 3)], [declare(1, 2)]));
  assert.ok(!batchable([declare("batch", 3)], [declare()]));
  assert.ok(!batchable([declare("batch", 3), declare("n", 3)], [declare("batch")]));
  assert.ok(!batchable([], []));
});
