import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { buildZooModel, parameterLayout, parseModel, readParameters, serializeModel } from "@selvedge/onnx";

const root = join(import.meta.dirname, "../../..");
const readme = readFileSync(join(root, "core/onnx/README.md"), "utf8");
const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block = ""]) => block);

test("the example of core/onnx/README.md trains a file on the runtime alone", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-readme-"));
  t.after(() => rm(folder, { recursive: true }));
  const before = serializeModel(buildZooModel("mlp", { inputShape: [2], classes: 2, seed: 1 }));
  await writeFile(join(folder, "model.onnx"), before);
  await writeFile(join(folder, "train.ts"), blocks[0] ?? assert.fail("there is no example"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const { stdout } = await promisify(execFile)(process.execPath, ["train.ts"], { cwd: folder });
  const [first = 0, last = 0] = [...stdout.matchAll(/\d\.\d+/g)].map(Number);
  assert.ok(last < first / 4, stdout);
  const after = await readFile(join(folder, "trained.onnx"));
  const weights = (file: Uint8Array) => readParameters(parseModel(file), parameterLayout(parseModel(file)));
  assert.equal(after.length, before.length);
  assert.notDeepEqual(weights(after), weights(before));
});

test("the rules that core/onnx/README.md shows are those in the tables", () => {
  const folder = join(root, "core/onnx/src");
  const sources = globSync("{gradients,compositions}/*.ts", { cwd: folder }).map((file) =>
    readFileSync(join(folder, file), "utf8"),
  );
  const [, ...rules] = blocks;
  assert.equal(rules.length, 2);
  for (const rule of rules)
    assert.ok(
      sources.some((source) => source.includes(rule)),
      rule,
    );
});
