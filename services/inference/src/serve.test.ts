import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { PNG } from "pngjs";
import { get, post, smallMlp, testFolder } from "./models.fixture.ts";
import { pipelineSchema } from "./pipeline/pipeline.ts";
import { serve } from "./serve.ts";

test("a file is served by its name, a folder with the newest version of each model, over loopback", async (t) => {
  const folder = await testFolder(t);
  await writeFile(join(folder, "Digits.onnx"), smallMlp(1));
  const file = await serve(join(folder, "Digits.onnx"), { port: 0 });
  t.after(() => file.close());
  assert.match(file.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal((await get(`${file.url}/v2/models/digits/versions/1/ready`)).status, 200);

  const models = join(folder, "models");
  for (const place of ["a/2", "a/10", "b/1"]) {
    await mkdir(join(models, place), { recursive: true });
    await writeFile(join(models, place, "model.onnx"), smallMlp(2));
  }
  const several = await serve(models, { port: 0 });
  t.after(() => several.close());
  assert.deepEqual(
    several.models().map(({ name, version }) => `${name}@${version}`),
    ["a@10", "b@1"],
  );
});

test("what is not there, has no model in it or no name is refused, and nothing is left listening", async (t) => {
  const folder = await testFolder(t);
  await writeFile(join(folder, "###.onnx"), smallMlp(1));
  await assert.rejects(serve(join(folder, "none.onnx"), { port: 0 }), {
    code: "not_found",
    message: "no such file or folder",
    at: join(folder, "none.onnx"),
    fix: "check the path",
  });
  await assert.rejects(serve(folder, { port: 0 }), { code: "not_found" });
  await assert.rejects(serve(join(folder, "###.onnx"), { port: 0 }), { code: "invalid_argument" });
});

test("a file that is no model is refused with its path", async (t) => {
  const path = join(await testFolder(t), "notes.onnx");
  await writeFile(path, "not a model");
  await assert.rejects(serve(path, { port: 0 }), { code: "corrupt", at: path });
});

test("a folder's models have the pipeline beside their version, else that beside their name, and no other", async (t) => {
  const models = await testFolder(t);
  for (const place of ["a/1", "b/1", "c/1"]) {
    await mkdir(join(models, place), { recursive: true });
    await writeFile(join(models, place, "model.onnx"), smallMlp(1));
  }
  const pipeline = (top: number): string => `image: { height: 2, width: 2 }\noutput: { top: ${top} }\n`;
  await writeFile(join(models, "a/1/pipeline.yaml"), pipeline(1));
  await writeFile(join(models, "a/pipeline.yaml"), pipeline(2));
  await writeFile(join(models, "b/pipeline.yaml"), pipeline(2));
  const server = await serve(models, { port: 0 });
  t.after(() => server.close());
  const picture = Uint8Array.from(PNG.sync.write(new PNG({ width: 2, height: 2 })));
  const told = async (model: string): Promise<readonly [number, number | undefined]> => {
    const { status, body } = await post(`${server.url}/v2/models/${model}/classify`, picture);
    return [status, body.classes?.length];
  };
  assert.deepEqual(await told("a"), [200, 1]);
  assert.deepEqual(await told("b"), [200, 2]);
  assert.deepEqual(await told("c"), [400, undefined]);

  await assert.rejects(serve(models, { port: 0, pipeline: pipelineSchema.parse({ image: {} }) }), {
    code: "invalid_argument",
    message: "a pipeline is given, and the models of a folder have their own",
    at: models,
    fix: "put pipeline.yaml beside a model, or serve its file",
  });
  await writeFile(join(models, "c/pipeline.yaml"), "image: {}\n");
  await assert.rejects(serve(models, { port: 0 }), {
    code: "invalid_argument",
    at: `${join(models, "c/1/model.onnx")}: image`,
  });
});
