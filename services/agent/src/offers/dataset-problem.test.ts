import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { classReading, type DatasetSource, type DatasetWish } from "@selvedge/datasets";
import { datasetProblem } from "./dataset-problem.ts";

const wish: DatasetWish = { name: "readings", inputShape: [2], ...classReading(2) };

test("[DS4] a device says what does not fit, and nothing of what is in its data", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-dataset-problem-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "readings.csv");
  writeFileSync(path, "secret,label\n1,0\n");
  const problem = (source: DatasetSource): Promise<string | null> =>
    datasetProblem(new Map([["readings", source]]), wish);
  assert.equal(await datasetProblem(new Map(), wish), 'this device has no dataset "readings"');
  assert.equal(
    await problem({ format: "csv", path }),
    'dataset "readings" is a table; the plan names no columns and takes examples of shape [2] and 2 classes',
  );
  assert.equal(
    await problem({ format: "csv", path: join(folder, "nowhere.csv") }),
    'dataset "readings" cannot be read: its file is not there',
  );
  const idx: DatasetSource = { format: "idx", imagesPath: path, labelsPath: path, classes: 2 };
  assert.equal(
    await problem(idx),
    'dataset "readings" cannot be read: its file is damaged or in another format',
  );
});
