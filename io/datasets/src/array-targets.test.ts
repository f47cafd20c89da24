import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { PlanTarget } from "@selvedge/protocol";
import type { DatasetReading, NpySource, Targets } from "./dataset.ts";
import { encodeIdx } from "./idx.ts";
import { npyFile } from "./npy.fixture.ts";
import { describeDataset, openDataset } from "./open-dataset.ts";
import { labelsOf, temporaryFile } from "./table.fixture.ts";

/** Two examples of three numbers, labelled with this. */
function npy(t: TestContext, labels?: Uint8Array): NpySource {
  const inputs = npyFile("<f4", [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
  const source = { format: "npy", inputsPath: temporaryFile(t, "x.npy", inputs) } as const;
  return labels === undefined ? source : { ...source, labelsPath: temporaryFile(t, "y.npy", labels) };
}

function reading(target: PlanTarget): DatasetReading {
  return { target, table: null, text: null };
}

async function targetsOf(source: NpySource, target: PlanTarget): Promise<Targets> {
  return (await openDataset(source, reading(target))).targets;
}

const places = { kind: "class", shape: [3], classes: 2, ignoreIndex: -1 } as const;

test("[DS8] a class of each place is read from whole numbers of the target's shape, and what is ignored with it", async (t) => {
  const labels = npyFile("<i4", [2, 1, 3], Int32Array.of(0, 1, -1, 1, 1, 0));
  const source = npy(t, labels);
  const values = Int32Array.of(0, 1, -1, 1, 1, 0);
  assert.deepEqual(await targetsOf(source, places), { kind: "class", classes: 2, shape: [3], values });
  const { ignoreIndex: _, ...every } = places;
  await assert.rejects(targetsOf(source, every), { code: "corrupt", message: /example 0 is not below 2/ });
  await assert.rejects(targetsOf(source, { ...places, shape: [2] }), {
    code: "corrupt",
    message: /\[2, 1, 3\] do not match 2 examples of .* with \[2\] for each/,
  });
  const described = await describeDataset(source);
  assert.deepEqual(described.kind === "array" && described.labels, { shape: [1, 3], isWhole: true });
});

test("[DS8] IDX labels may be of each pixel too", async (t) => {
  const file = (values: number[]) =>
    temporaryFile(t, "file.idx", encodeIdx({ shape: [1, 2, 2], values: Uint8Array.from(values) }));
  const source = { format: "idx", imagesPath: file([9, 8, 7, 6]), labelsPath: file([0, 1, 2, 1]) } as const;
  const target = { kind: "class", shape: [2, 2], classes: 3 } as const;
  assert.deepEqual(labelsOf((await openDataset(source, reading(target))).targets), [0, 1, 2, 1]);
});

test("[DS8] numbers are read from any type of array, one or several for each example", async (t) => {
  const one = npy(t, npyFile("<f8", [2], Float64Array.of(0.5, -3)));
  assert.deepEqual(await targetsOf(one, { kind: "numbers", shape: [1] }), {
    ...{ kind: "numbers", shape: [1], values: Float32Array.of(0.5, -3) },
  });
  const two = npy(t, npyFile("|u1", [2, 2], Uint8Array.of(1, 2, 3, 4)));
  assert.deepEqual(labelsOf(await targetsOf(two, { kind: "numbers", shape: [2] })), [1, 2, 3, 4]);
  await assert.rejects(targetsOf(one, { kind: "class", shape: [], classes: 2 }), { code: "unsupported" });
});

test("[DS8] who learns the examples themselves reads no labels; everybody else needs them", async (t) => {
  assert.deepEqual(await targetsOf(npy(t), { kind: "input", shape: [3] }), { kind: "input" });
  await assert.rejects(targetsOf(npy(t), { kind: "numbers", shape: [1] }), { code: "failed_precondition" });
  const described = await describeDataset(npy(t));
  assert.deepEqual(described.kind === "array" && described.labels, null);
});
