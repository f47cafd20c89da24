import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import type { LabelledIdxSource } from "./dataset.ts";
import { encodeIdx } from "./idx.ts";
import { openClassDataset } from "./open-dataset.ts";
import { writePartition } from "./write-partition.ts";

test("writePartition gives each part its own folder with its examples alone", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-datasets-"));
  context.after(() => rm(folder, { recursive: true }));
  const source: LabelledIdxSource = {
    format: "idx",
    imagesPath: join(folder, "images"),
    labelsPath: join(folder, "labels"),
    classes: 4,
  };
  await writeFile(
    source.imagesPath,
    encodeIdx({ shape: [4, 1, 2], values: Uint8Array.of(0, 1, 10, 11, 20, 21, 30, 31) }),
  );
  await writeFile(source.labelsPath, encodeIdx({ shape: [4], values: Uint8Array.of(0, 1, 2, 3) }));

  const written = await writePartition(source, [
    { indices: Int32Array.of(3, 0), folder: join(folder, "a", "data") },
    { indices: Int32Array.of(1), folder: join(folder, "b") },
  ]);
  const [a, b] = await Promise.all(written.map((part) => openClassDataset(part)));
  assert.deepEqual([...(a?.inputs ?? [])], [30, 31, 0, 1]);
  assert.deepEqual([...(a?.targets.values ?? [])], [3, 0]);
  assert.deepEqual(a?.inputShape, [1, 2]);
  assert.deepEqual([...(b?.inputs ?? [])], [10, 11]);
  assert.equal((await stat(join(folder, "a", "data", "images.idx"))).mode & 0o777, 0o600);
  assert.equal((await stat(join(folder, "b"))).mode & 0o777, 0o700);

  await assert.rejects(
    writePartition(source, [{ indices: Int32Array.of(4), folder: join(folder, "c") }]),
    (error) => error instanceof SelvedgeError && error.code === "out_of_range",
  );
});
