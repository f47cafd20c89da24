import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { dirichletPartition } from "./dirichlet-partition.ts";

const labels = Array.from({ length: 3_000 }, (_, index) => index % 10);
const options = { labels, classes: 10, parts: 10, alpha: 0.3, seed: 1, minimumPerPart: 20 };

test("dirichletPartition gives the same parts for the same seed, others for another", () => {
  assert.deepEqual(dirichletPartition(options), dirichletPartition(options));
  assert.notDeepEqual(dirichletPartition(options), dirichletPartition({ ...options, seed: 2 }));
});

test("a small alpha gives parts of few classes, a large one parts nearly alike", () => {
  const skewed = meanLargestShare(dirichletPartition({ ...options, alpha: 0.1, minimumPerPart: 1 }));
  const even = meanLargestShare(dirichletPartition({ ...options, alpha: 1_000 }));
  assert.ok(skewed > 0.5, `largest class ${skewed} of a part`);
  assert.ok(even < 0.15, `largest class ${even} of a part`);
});

test("dirichletPartition draws again until every part has its minimum", () => {
  const withoutMinimum = dirichletPartition({ ...options, minimumPerPart: 0 });
  const smallest = Math.min(...withoutMinimum.map((part) => part.length));
  const raised = dirichletPartition({ ...options, minimumPerPart: smallest + 1 });
  assert.ok(raised.every((part) => part.length > smallest));
});

test("dirichletPartition gives up, with advice, when no draw can succeed", () => {
  assert.throws(
    () => dirichletPartition({ ...options, alpha: 0.001, minimumPerPart: 300 }),
    (error) =>
      error instanceof SelvedgeError &&
      error.code === "failed_precondition" &&
      (error.fix ?? "").includes("raise alpha"),
  );
});

test("dirichletPartition refuses options that make no sense, naming the option", () => {
  const cases: [Partial<typeof options>, RegExp][] = [
    [{ classes: 0 }, /classes/],
    [{ classes: 9 }, /labels/],
    [{ labels: [0, -1] }, /labels/],
    [{ labels: [0.5] }, /labels/],
    [{ parts: 0 }, /parts/],
    [{ alpha: 0 }, /alpha/],
    [{ alpha: Number.NaN }, /alpha/],
    [{ minimumPerPart: -1 }, /minimumPerPart/],
    [{ minimumPerPart: 301 }, /minimumPerPart/],
  ];
  for (const [change, at] of cases) {
    assert.throws(
      () => dirichletPartition({ ...options, minimumPerPart: 0, ...change }),
      (error) =>
        error instanceof SelvedgeError && error.code === "invalid_argument" && at.test(error.at ?? ""),
      `${Object.keys(change)}`,
    );
  }
});

/** Share of a part's examples that are of its most frequent class, averaged over parts. */
function meanLargestShare(parts: readonly Int32Array[]): number {
  const shares = parts.map((part) => {
    const counts = new Array<number>(10).fill(0);
    for (const index of part) counts[index % 10] = (counts[index % 10] ?? 0) + 1;
    return Math.max(...counts) / part.length;
  });
  return shares.reduce((a, b) => a + b, 0) / shares.length;
}
